package dev.upcycle.train;

import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.kernels.tensor.Tensors;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;

/// Copies of tensors in the host's memory, which stay as they are while the tensors change.
///
/// Owns its memory until it is closed, and takes each later copy into the same.
final class HostCopies implements AutoCloseable {
  private final TensorScope owner = TensorScope.detached();
  private final SequencedMap<String, Tensor> copies = new LinkedHashMap<>();

  /// Overwrites the copies with what the tensors hold now; waits for the device.
  ///
  /// @param live by name; the same names and shapes each time
  SequencedMap<String, Tensor> take(Map<String, Tensor> live) {
    try (TensorScope _ = TensorScope.open();
        Gradients.Pause _ = Gradients.pause()) {
      live.forEach((name, tensor) ->
          copies
              .computeIfAbsent(name, _ -> owner.hold(Tensors.hostLike(tensor)))
              .copyInPlace(tensor));
    }
    return copies();
  }

  /// What was copied last.
  SequencedMap<String, Tensor> copies() {
    return Collections.unmodifiableSequencedMap(copies);
  }

  @Override
  public void close() {
    owner.close();
  }
}
