package dev.upcycle.model;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.kernels.attention.KvCache;
import dev.upcycle.kernels.ffn.Linear;
import dev.upcycle.kernels.tensor.Tensor;
import java.util.SequencedMap;

/// A decoder with its weights in memory.
///
/// Weights are the file's own pages where its type is the one computed in and the device is the
/// CPU, else copies. It owns them until it is closed. It records no mode: a pass under
/// [dev.upcycle.kernels.tensor.Gradients#pause()] records no graph.
public final class DecoderModel implements AutoCloseable {
  private DecoderModel() {}

  /// Binds a checkpoint.
  ///
  /// @throws dev.upcycle.checkpoint.CheckpointFormatException naming every tensor that is missing,
  ///   left over or of another shape than the config promises, or the config key that is not known
  public static DecoderModel open(Checkpoint checkpoint, ModelOptions options) {
    throw new UnsupportedOperationException(checkpoint.directory().toString() + options);
  }

  /// All weights by Hugging Face name, in state dict order; a tied head has no entry of its own.
  public SequencedMap<String, Tensor> parameters() {
    throw new UnsupportedOperationException();
  }

  /// The config, the family's defaults filled in.
  public ModelConfig config() {
    throw new UnsupportedOperationException();
  }

  public ModelOptions options() {
    throw new UnsupportedOperationException();
  }

  /// Number of layers.
  public int layers() {
    throw new UnsupportedOperationException();
  }

  /// An empty cache for [ForwardPass#cached].
  public KvCache newCache() {
    throw new UnsupportedOperationException();
  }

  /// Token ids `[batch, seq]`, 64-bit, to logits.
  public DecoderOutput forward(Tensor ids, ForwardPass pass) {
    throw new UnsupportedOperationException(ids.toString() + pass);
  }

  /// Token ids `[batch, seq]` to hidden states `[batch, seq, hidden]`.
  public Tensor embed(Tensor ids) {
    throw new UnsupportedOperationException(ids.toString());
  }

  /// Embeddings, of tokens or of anything else, `[batch, seq, hidden]`, to what the head reads.
  public HiddenOutput hidden(Tensor embeddings, ForwardPass pass) {
    throw new UnsupportedOperationException(embeddings.toString() + pass);
  }

  /// The map from hidden states to logits.
  public Linear head() {
    throw new UnsupportedOperationException();
  }

  @Override
  public void close() {}
}
