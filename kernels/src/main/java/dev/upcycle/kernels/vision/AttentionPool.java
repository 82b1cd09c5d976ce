package dev.upcycle.kernels.vision;

import dev.upcycle.kernels.attention.GroupedQueryAttention;
import dev.upcycle.kernels.ffn.FeedForward;
import dev.upcycle.kernels.norm.Norm;
import dev.upcycle.kernels.tensor.Tensor;

/// One vector per image by a learned query that looks at all places, SigLIP's head (Zhai et al.,
/// arXiv 2303.15343, after Lee et al., arXiv 1810.00825).
///
/// @param probe the query, `[1, 1, hidden]`
/// @param attention over the places
/// @param norm before the network
/// @param network added to what attention gave
public record AttentionPool(
    Tensor probe, GroupedQueryAttention attention, Norm norm, FeedForward network) {
  /// `[images, places, hidden]` to `[images, hidden]`.
  public Tensor forward(Tensor hidden) {
    Tensor queries = probe.expand(hidden.size(0), 1, hidden.size(2));
    Tensor pooled = attention.read(queries, hidden);
    return pooled.plus(network.forward(norm.forward(pooled))).squeeze(1);
  }
}
