package dev.upcycle.plan;

import dev.upcycle.arch.Composition;
import dev.upcycle.arch.TensorSlot;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.checkpoint.TensorSpec;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/// What a plan may know of the source: its config, its headers, and of a few small tensors whether
/// they are zero or equal.
sealed interface SourceTensors {
  ModelConfig config();

  List<TensorEntry> entries();

  /// The names of all tensors.
  default Set<String> names() {
    return entries().stream().map(TensorEntry::name).collect(Collectors.toUnmodifiableSet());
  }

  /// True when every element is zero, of either sign.
  boolean zero(TensorEntry entry);

  /// True when two tensors have the same dtype, shape and bytes.
  boolean equal(TensorEntry a, TensorEntry b);

  /// Why a tensor that must be zero or equal could not be looked at; empty text when it was.
  String blindness();

  /// A checkpoint on disk.
  record OnDisk(Checkpoint checkpoint) implements SourceTensors {
    @Override
    public ModelConfig config() {
      return checkpoint.config();
    }

    @Override
    public List<TensorEntry> entries() {
      return List.copyOf(checkpoint.tensors().values());
    }

    @Override
    public boolean zero(TensorEntry entry) {
      try (Arena arena = Arena.ofConfined()) {
        return ZeroCheck.zero(checkpoint.map(entry, arena), entry.dtype());
      }
    }

    @Override
    public boolean equal(TensorEntry a, TensorEntry b) {
      if (a.dtype() != b.dtype() || !a.shape().equals(b.shape())) {
        return false;
      }
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment first = checkpoint.map(a, arena);
        return first.mismatch(checkpoint.map(b, arena)) < 0;
      }
    }

    @Override
    public String blindness() {
      return "";
    }
  }

  /// The headers of a checkpoint: what its bytes would have to show is taken to hold.
  record Headers(Checkpoint checkpoint) implements SourceTensors {
    @Override
    public ModelConfig config() {
      return checkpoint.config();
    }

    @Override
    public List<TensorEntry> entries() {
      return List.copyOf(checkpoint.tensors().values());
    }

    @Override
    public boolean zero(TensorEntry entry) {
      return true;
    }

    @Override
    public boolean equal(TensorEntry a, TensorEntry b) {
      return a.dtype() == b.dtype() && a.shape().equals(b.shape());
    }

    @Override
    public String blindness() {
      return "";
    }
  }

  /// The tensors that a config promises.
  record Promised(ModelConfig config, List<TensorEntry> entries) implements SourceTensors {
    private static final Path NOWHERE = Path.of("config.json");

    /// The tensors of the families' templates, one after another in a file that is not there.
    static Promised by(ModelConfig config, DType dtype) {
      List<TensorEntry> entries = new ArrayList<>();
      long offset = 0;
      for (TensorSlot slot : Composition.read(config, Set.of()).slots().toList()) {
        TensorSpec spec = slot.spec(dtype);
        entries.add(new TensorEntry(spec, NOWHERE, offset));
        offset = Math.addExact(offset, spec.bytes());
      }
      return new Promised(config, List.copyOf(entries));
    }

    @Override
    public boolean zero(TensorEntry entry) {
      return false;
    }

    @Override
    public boolean equal(TensorEntry a, TensorEntry b) {
      return false;
    }

    @Override
    public String blindness() {
      return " (a bare config does not show whether it is: plan from the checkpoint's directory)";
    }
  }
}
