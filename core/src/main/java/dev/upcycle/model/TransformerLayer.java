package dev.upcycle.model;

import dev.upcycle.kernels.attention.Documents;
import dev.upcycle.kernels.attention.GroupedQueryAttention;
import dev.upcycle.kernels.attention.KvCache;
import dev.upcycle.kernels.attention.RotaryEmbedding;
import dev.upcycle.kernels.moe.RoutingPass;
import dev.upcycle.kernels.norm.Norm;
import dev.upcycle.kernels.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/// One layer of a decoder or a tower: attention and a feed-forward block, each behind a norm and
/// added to the residual stream.
///
/// @param inputNorm before attention
/// @param attention of the layer
/// @param postAttentionNorm before the feed-forward block
/// @param block dense or with experts
public record TransformerLayer(
    Norm inputNorm,
    GroupedQueryAttention attention,
    Norm postAttentionNorm,
    FeedForwardBlock block) {

  /// What a layer needs beside hidden states.
  ///
  /// @param rotation of the tokens' positions; null where positions are learned vectors
  /// @param routing how the layer routes, with noise of its own
  /// @param cache the layer's, which it appends to; null for none; only with a rotation
  /// @param documents the texts of packed sequences; null where each is one text; without a cache
  public record Context(
      RotaryEmbedding.@Nullable Rotation rotation,
      RoutingPass routing,
      KvCache.@Nullable Layer cache,
      @Nullable Documents documents) {

    /// For sequences that are one text each.
    public Context(
        RotaryEmbedding.@Nullable Rotation rotation,
        RoutingPass routing,
        KvCache.@Nullable Layer cache) {
      this(rotation, routing, cache, null);
    }
  }

  /// Applies the layer to `[batch, seq, hidden]`.
  public LayerOutput forward(Tensor hidden, Context context) {
    Tensor residual = hidden.plus(attended(inputNorm.forward(hidden), context));
    Tensor input = postAttentionNorm.forward(residual);
    FeedForwardBlock.Output output = block.forward(input, context.routing());
    return new LayerOutput(residual.plus(output.hidden()), input, output.routing());
  }

  private Tensor attended(Tensor normed, Context context) {
    RotaryEmbedding.Rotation rotation = context.rotation();
    KvCache.Layer cache = context.cache();
    Documents documents = context.documents();
    if (documents != null) {
      return attention.forward(normed, rotation, documents);
    }
    return rotation == null || cache == null
        ? attention.forward(normed, rotation)
        : attention.forward(normed, rotation, cache);
  }
}
