package dev.upcycle.train;

import dev.upcycle.recipe.Stage;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.function.ToLongFunction;

/// The most memory that a stage needs at once, from sizes alone.
///
/// Gradients, moments and the copy of a checkpoint are there all the time from the first checkpoint
/// on; activations and the chunk of logits come and go with each micro-batch. The checkpoint's copy
/// lies in the host's memory, all else on the device.
///
/// @param stage its name
/// @param precision of its weights
/// @param average whether a moving average is kept
/// @param components of the model
public record MemoryForecast(
    String stage, Stage.Precision precision, boolean average, List<ComponentMemory> components) {
  /// The virtual machine, LibTorch, a tokenizer, buffers of data and of the writer: what a run of
  /// the sample decoder holds beside its own tensors (docs/train.md, Memory).
  private static final long PROCESS_BYTES = 410_000_000;

  /// Takes a copy.
  public MemoryForecast {
    components = List.copyOf(components);
  }

  /// Bytes by what they are for, in the order in which they are told.
  public SequencedMap<String, Long> parts() {
    long width =
        switch (precision) {
          case F32 -> Float.BYTES;
          case BF16 -> Short.BYTES;
        };
    long master =
        switch (precision) {
          case F32 -> 0;
          case BF16 -> Float.BYTES;
        };
    long trained = sum(ComponentMemory::trained);
    long averages = average ? Float.BYTES : 0;
    long moments = 2L * Float.BYTES;
    SequencedMap<String, Long> parts = new LinkedHashMap<>();
    parts.put("weights", width * sum(ComponentMemory::elements));
    parts.put("gradients", width * trained);
    parts.put("masters", master * trained);
    parts.put("moments", moments * trained);
    parts.put("averages", averages * trained);
    parts.put("activations", sum(ComponentMemory::kept) + most(ComponentMemory::passing));
    parts.put("logits", most(ComponentMemory::logits));
    parts.put("checkpoint_copy", (width + master + moments + averages) * trained);
    parts.put("process", PROCESS_BYTES);
    return Collections.unmodifiableSequencedMap(parts);
  }

  private long sum(ToLongFunction<ComponentMemory> bytes) {
    return components.stream().mapToLong(bytes).reduce(0, Math::addExact);
  }

  private long most(ToLongFunction<ComponentMemory> bytes) {
    return components.stream().mapToLong(bytes).max().orElse(0);
  }

  /// All of it.
  public long bytes() {
    return parts().values().stream().mapToLong(Long::longValue).reduce(0, Math::addExact);
  }
}
