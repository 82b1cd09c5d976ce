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
/// on; activations and the chunk of logits come and go with each micro-batch. Where a step has one
/// micro-batch only, gradients come as the activations go, so that these count for what they have
/// more. The checkpoint's copy lies in the host's memory, all else on the device.
///
/// @param stage its name
/// @param precision of its weights
/// @param average whether a moving average is kept
/// @param microBatches of a step
/// @param components of the model
public record MemoryForecast(
    String stage,
    Stage.Precision precision,
    boolean average,
    int microBatches,
    List<ComponentMemory> components) {
  /// The virtual machine, LibTorch, a tokenizer, buffers of data and of the writer: what a run of
  /// the sample decoder holds beside its own tensors (docs/train.md, Memory).
  private static final long PROCESS_BYTES = 410_000_000;

  /// One part in so many of what stays is lost between the blocks of the C library's allocator: a
  /// run needed 1.97 GB, and 1.79 GB where each block was mapped by itself.
  private static final long LOST_PART = 11;

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
    long kept = sum(ComponentMemory::kept);
    long replaced = microBatches == 1 ? Math.min(kept, width * trained) : 0;
    parts.put("activations", kept - replaced + most(ComponentMemory::passing));
    parts.put("logits", most(ComponentMemory::logits));
    long copy = (width + master + moments + averages) * trained;
    parts.put("checkpoint_copy", copy);
    long staying = width * (sum(ComponentMemory::elements) + trained) + 2 * copy - width * trained;
    parts.put("allocator", staying / LOST_PART);
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
