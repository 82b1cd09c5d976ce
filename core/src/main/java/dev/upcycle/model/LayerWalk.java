package dev.upcycle.model;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.kernels.tensor.Device;
import dev.upcycle.kernels.tensor.Tensor;

/// A decoder that is walked in float32 a layer at a time, for models larger than memory.
///
/// Holds no weights between two calls: each maps what it needs, converts it and lets it go. Records
/// no graph. What a call returns belongs to the caller's scope.
public final class LayerWalk {
  private LayerWalk() {}

  /// Binds a checkpoint; reads no weights.
  ///
  /// @throws dev.upcycle.checkpoint.CheckpointFormatException as [DecoderModel#open]
  public static LayerWalk open(Checkpoint checkpoint, Device device) {
    throw new UnsupportedOperationException(checkpoint.directory().toString() + device);
  }

  /// Number of layers.
  public int layers() {
    throw new UnsupportedOperationException();
  }

  /// Size of the vocabulary.
  public long vocab() {
    throw new UnsupportedOperationException();
  }

  /// Token ids `[batch, seq]`, 64-bit, to `[batch, seq, hidden]`.
  public Tensor embed(Tensor ids) {
    throw new UnsupportedOperationException(ids.toString());
  }

  /// One layer with all of its experts.
  ///
  /// @param hidden `[batch, seq, hidden]`, the layer before's, at positions 0 to seq - 1
  public LayerOutput layer(int index, Tensor hidden) {
    throw new UnsupportedOperationException(hidden.toString() + index);
  }

  /// The final norm, `[batch, seq, hidden]` to the same.
  public Tensor normalise(Tensor hidden) {
    throw new UnsupportedOperationException(hidden.toString());
  }

  /// Logits of consecutive entries of the vocabulary, `[batch, seq, count]`.
  ///
  /// @param normalised what [#normalise] gave
  public Tensor logits(Tensor normalised, long first, long count) {
    throw new UnsupportedOperationException(normalised.toString() + first + count);
  }
}
