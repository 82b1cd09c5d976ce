package dev.upcycle.verify;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.TensorEntry;
import java.nio.ByteBuffer;
import java.util.Locale;
import java.util.Optional;

/// Finds the source tensor that a wrong tensor really came from, so that a swap is called one.
final class Resemblance {
  private static final int SAMPLE = 1 << 12;

  private Resemblance() {}

  /// Names the source tensor of the same shape and dtype that begins with the same bytes; empty
  /// text when there is none.
  static String hint(TensorEntry target, Subject subject) {
    return subject
        .source()
        .flatMap(source -> find(target, source))
        .map(found ->
            String.format(
                Locale.ROOT,
                "; its first %d bytes are those of %s",
                Math.min(SAMPLE, target.bytes()),
                found.name()))
        .orElse("");
  }

  private static Optional<TensorEntry> find(TensorEntry target, Checkpoint source) {
    try (TensorBytes tensors = new TensorBytes()) {
      ByteBuffer wanted = sample(target, tensors);
      return source.tensors().values().stream()
          .filter(candidate -> candidate.dtype() == target.dtype())
          .filter(candidate -> candidate.shape().equals(target.shape()))
          .filter(candidate -> sample(candidate, tensors).equals(wanted))
          .findFirst();
    }
  }

  private static ByteBuffer sample(TensorEntry tensor, TensorBytes tensors) {
    ByteBuffer sample = ByteBuffer.allocate((int) Math.min(SAMPLE, tensor.bytes()));
    tensors.read(tensor, 0, sample);
    return sample;
  }
}
