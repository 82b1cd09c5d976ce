package dev.upcycle.sample;

import dev.upcycle.arch.Role;
import dev.upcycle.arch.TensorSlot;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/// Weights that nothing was learned with, as a network begins its training: decided by tensor name.
///
/// Norms do nothing, biases are 0, and linear maps keep the variance of what they read: entries
/// have the mean square `1 / width`. (With PyTorch's own filling, a third of that, a tower and a
/// decoder that are both new learn to speak in hundreds of steps but not to look.)
final class FreshWeights {
  private static final double EMBEDDING_BOUND = 0.5;

  private FreshWeights() {}

  /// A tensor in float32, little-endian.
  static ByteBuffer of(TensorSlot slot) {
    long elements = slot.shape().elements();
    ByteBuffer bytes =
        ByteBuffer.allocate(Math.toIntExact(Math.multiplyExact(elements, Float.BYTES)))
            .order(ByteOrder.LITTLE_ENDIAN);
    SplitMix64 random = SplitMix64.of(slot.name());
    double middle = isScale(slot) ? 1 : 0;
    double bound = bound(slot);
    while (bytes.hasRemaining()) {
      bytes.putFloat((float) (middle + bound * random.nextSigned()));
    }
    return bytes.flip();
  }

  private static boolean isScale(TensorSlot slot) {
    return slot.shape().rank() == 1
        && !slot.name().endsWith(".bias")
        && slot.role() != Role.CLASS_EMBEDDING;
  }

  private static double bound(TensorSlot slot) {
    boolean embeds =
        slot.role() == Role.EMBEDDING
            || slot.role() == Role.CLASS_EMBEDDING
            || slot.role() == Role.POSITION_EMBEDDING;
    if (embeds) {
      return EMBEDDING_BOUND;
    }
    if (slot.shape().rank() == 1) {
      return 0;
    }
    return Math.sqrt(3.0 * slot.shape().dimension(0) / slot.shape().elements());
  }
}
