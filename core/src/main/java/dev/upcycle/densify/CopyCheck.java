package dev.upcycle.densify;

import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.convert.Progress;
import dev.upcycle.verify.ByteComparison;
import dev.upcycle.verify.Difference;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// Requires that tensors which stand for one dense tensor are equal, byte for byte.
final class CopyCheck {
  private final Progress progress;
  private long done;
  private long total;

  CopyCheck(Progress progress) {
    this.progress = progress;
  }

  /// Compares all copies of these tensors with the first of each.
  ///
  /// @throws DensifyException naming the first tensor that differs and where
  void require(List<DenseTensor> tensors) {
    List<DenseTensor> several =
        tensors.stream().filter(tensor -> tensor.copies().size() > 1).toList();
    total =
        several.stream()
            .mapToLong(tensor -> tensor.target().bytes() * (tensor.copies().size() - 1))
            .sum();
    try (ByteComparison comparison = new ByteComparison()) {
      for (DenseTensor tensor : several) {
        require(tensor, comparison);
      }
    }
  }

  private void require(DenseTensor tensor, ByteComparison comparison) {
    TensorEntry first = tensor.copies().getFirst();
    List<TensorEntry> others = tensor.copies().subList(1, tensor.copies().size());
    List<Optional<Difference>> differences =
        comparison.compare(first, others, watcher(first.name()));
    for (int i = 0; i < others.size(); i++) {
      if (differences.get(i).isPresent()) {
        throw parted(tensor, others.get(i), differences.get(i).get());
      }
    }
  }

  private ByteComparison.Watcher watcher(String name) {
    return new ByteComparison.Watcher() {
      @Override
      public void source(ByteBuffer window, DType dtype) {}

      @Override
      public void compared(long bytes) {
        done += bytes;
        progress.advanced(done, total, name);
      }
    };
  }

  private static DensifyException parted(
      DenseTensor tensor, TensorEntry other, Difference difference) {
    String remedy =
        tensor.experts()
            ? "the experts were trained, so no one dense network computes the same: choose one"
                + " expert with --expert N, or their mean with --mean"
            : "both come from one tensor of the dense model, so a dense model cannot hold both";
    return new DensifyException(
        String.format(
            Locale.ROOT,
            "%s and %s, which come from %s, are not equal: %s; %s",
            tensor.copies().getFirst().name(),
            other.name(),
            tensor.target().name(),
            difference.in(other),
            remedy));
  }
}
