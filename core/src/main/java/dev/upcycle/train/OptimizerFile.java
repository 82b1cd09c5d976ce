package dev.upcycle.train;

import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.Shape;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.checkpoint.TensorSpec;
import dev.upcycle.checkpoint.safetensors.SafetensorsHeader;
import dev.upcycle.kernels.optim.AdamW;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.MappedFile;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/// The optimizer's moments as safetensors: of a parameter `NAME` its `NAME.mean`, `NAME.square`,
/// `NAME.steps` and, where it is not float32 itself, `NAME.master`; where averages are kept,
/// `NAME.average`; all float32.
final class OptimizerFile {
  private OptimizerFile() {}

  /// Everything that the file holds of moments, by the names that it has there.
  static SequencedMap<String, Tensor> parts(Map<String, AdamW.Moments> moments) {
    SequencedMap<String, Tensor> parts = new LinkedHashMap<>();
    moments.forEach((name, each) -> parts.putAll(parts(name, each)));
    return parts;
  }

  /// Writes a file and syncs it.
  ///
  /// @param parts float32, by name
  static void write(Path file, Map<String, Tensor> parts) throws IOException {
    List<TensorSpec> specs =
        SafetensorsHeader.canonicalOrder(
            parts.entrySet().stream()
                .map(part -> new TensorSpec(part.getKey(), DType.F32, shape(part.getValue())))
                .toList());
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      TensorBytes.write(channel, ByteBuffer.wrap(SafetensorsHeader.encode(specs)));
      for (TensorSpec spec : specs) {
        TensorBytes.write(
            channel, require(parts, spec.name()), dev.upcycle.kernels.tensor.DType.F32);
      }
      channel.force(true);
    }
  }

  private static Shape shape(Tensor tensor) {
    return new Shape(Arrays.stream(tensor.shape()).boxed().toList());
  }

  private static Tensor require(Map<String, Tensor> parts, String name) {
    Tensor found = parts.get(name);
    if (found == null) {
      throw new IllegalStateException("no tensor " + name);
    }
    return found;
  }

  private static SequencedMap<String, Tensor> parts(String name, AdamW.Moments each) {
    SequencedMap<String, Tensor> parts = new LinkedHashMap<>();
    parts.put(name + ".mean", each.mean());
    parts.put(name + ".square", each.square());
    parts.put(name + ".steps", each.steps());
    if (each.master() != each.parameter()) {
      parts.put(name + ".master", each.master());
    }
    return parts;
  }

  /// Overwrites tensors with those of a file that [#write] made for the same parameters.
  static void restore(Path file, Map<String, Tensor> parts) {
    Map<String, TensorEntry> stored = stored(file);
    try (MappedFile mapped = MappedFile.open(file)) {
      parts.forEach((part, tensor) -> {
        if (!copied(stored, mapped, part, tensor)) {
          throw new CheckpointFormatException(
              CheckpointFault.NO_SUCH_TENSOR,
              "%s has no %s of the shape %s"
                  .formatted(file, part, Arrays.toString(tensor.shape())));
        }
      });
    }
  }

  /// Overwrites the moments of those parameters of which the file has any of equal shape.
  ///
  /// @param origins the name in the file of a parameter's moments
  static void carry(Path file, Map<String, AdamW.Moments> moments, UnaryOperator<String> origins) {
    Map<String, TensorEntry> stored = stored(file);
    try (MappedFile mapped = MappedFile.open(file)) {
      moments.forEach((name, each) -> {
        String origin = origins.apply(name);
        boolean found =
            copied(stored, mapped, origin + ".mean", each.mean())
                && copied(stored, mapped, origin + ".square", each.square());
        if (found) {
          copied(stored, mapped, origin + ".steps", each.steps());
        }
      });
    }
  }

  private static Map<String, TensorEntry> stored(Path file) {
    return SafetensorsHeader.read(file).tensors().stream()
        .collect(Collectors.toMap(TensorEntry::name, Function.identity()));
  }

  private static boolean copied(
      Map<String, TensorEntry> stored, MappedFile file, String part, Tensor into) {
    TensorEntry entry = stored.get(part);
    List<Long> shape = Arrays.stream(into.shape()).boxed().toList();
    if (entry == null || !entry.shape().dimensions().equals(shape)) {
      return false;
    }
    try (TensorScope _ = TensorScope.open();
        Gradients.Pause _ = Gradients.pause()) {
      into.copyInPlace(
          file.tensor(entry.offset(), dev.upcycle.kernels.tensor.DType.F32, into.shape()));
    }
    return true;
  }
}
