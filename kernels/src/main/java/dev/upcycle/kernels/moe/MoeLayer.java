package dev.upcycle.kernels.moe;

import dev.upcycle.kernels.tensor.Tensor;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A layer of experts in the place of a dense feed-forward network.
///
/// @param shared null for none
public record MoeLayer(Router router, Experts experts, @Nullable SharedExpert shared) {
  /// Applies the layer to tokens `[T, H]`.
  public MoeOutput forward(Tensor x, RoutingPass pass) {
    Tensor seen = router.layerInput(x, pass);
    Routing routing = router.route(seen, pass);
    Tensor routed = experts.forward(seen, routing);
    Tensor sum = shared == null ? routed : routed.plus(shared.forward(seen));
    return new MoeOutput(sum, List.of(routing));
  }

  /// What a layer gives.
  ///
  /// @param hidden `[T, H]`
  /// @param routings one, or one per modality group that had tokens, for the losses
  public record MoeOutput(Tensor hidden, List<Routing> routings) {
    /// Keeps the routings as they are.
    public MoeOutput {
      routings = List.copyOf(routings);
    }
  }
}
