package dev.upcycle.model;

import dev.upcycle.kernels.ffn.FeedForward;
import dev.upcycle.kernels.moe.MoeLayer;
import dev.upcycle.kernels.moe.Routing;
import dev.upcycle.kernels.moe.RoutingPass;
import dev.upcycle.kernels.tensor.Tensor;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// What follows attention in a layer, or a connector.
public sealed interface FeedForwardBlock {
  /// One network for all tokens.
  record Dense(FeedForward network) implements FeedForwardBlock {}

  /// Experts behind a router.
  record Sparse(MoeLayer experts) implements FeedForwardBlock {}

  /// What a block gives.
  ///
  /// @param hidden `[batch, seq, hidden]`
  /// @param routing null where the block is dense
  record Output(Tensor hidden, @Nullable Routing routing) {
    /// The routing of a block that has experts.
    public Optional<Routing> findRouting() {
      return Optional.ofNullable(routing);
    }
  }

  /// Applies the block to `[batch, seq, in]`; only a connector's gives another width.
  default Output forward(Tensor x, RoutingPass pass) {
    return switch (this) {
      case Dense(FeedForward network) -> new Output(network.forward(x), null);
      case Sparse(MoeLayer experts) -> {
        MoeLayer.MoeOutput output = experts.forward(x.reshape(-1, x.size(-1)), pass);
        long[] shape = x.shape();
        shape[shape.length - 1] = output.hidden().size(1);
        yield new Output(output.hidden().view(shape), output.routings().getFirst());
      }
    };
  }
}
