package dev.upcycle.train;

import dev.upcycle.kernels.loss.BalanceLoss;
import dev.upcycle.kernels.loss.ZLoss;
import dev.upcycle.kernels.moe.Routing;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.model.LlavaModel;
import dev.upcycle.recipe.AuxiliaryLosses;
import dev.upcycle.recipe.Part;
import java.util.List;
import java.util.Optional;

/// The losses of routers, with the weights of a stage.
record RouterLosses(AuxiliaryLosses settings) {
  /// Losses of a part's routers in one pass.
  ///
  /// @param routings that they are of
  /// @param balance scalar, before its weight
  /// @param routerZ scalar, before its weight
  /// @param weighted what is added to the cross-entropy, a scalar; empty when both weights are 0
  record Outcome(
      List<Routing> routings, Tensor balance, Tensor routerZ, Optional<Tensor> weighted) {}

  /// @param routings of the part's layers, at least one
  /// @param tokensPerImage that a router of an image tower or a connector sees of one image
  Outcome of(Part part, List<Routing> routings, long tokensPerImage) {
    Tensor balance = kind(part, tokensPerImage).of(routings);
    Tensor routerZ = ZLoss.of(routings);
    double balanceWeight = settings.balance().of(part);
    double zWeight = settings.routerZ().of(part);
    return new Outcome(
        routings,
        balance,
        routerZ,
        balanceWeight == 0 && zWeight == 0
            ? Optional.empty()
            : Optional.of(balance.times(balanceWeight).plus(routerZ.times(zWeight))));
  }

  private BalanceLoss kind(Part part, long tokensPerImage) {
    return switch (settings.kind()) {
      case POOLED -> new BalanceLoss.Pooled();
      case PER_LAYER -> new BalanceLoss.PerLayer();
      case SWITCH -> new BalanceLoss.Switch();
      case CUMO ->
          switch (part) {
            case LANGUAGE -> new BalanceLoss.Switch();
            case VISION, CONNECTOR -> new BalanceLoss.SwitchPerImage(tokensPerImage);
          };
    };
  }

  /// Whether padding and images of nothing count.
  AuxiliaryLosses.Filler filler() {
    return settings.filler();
  }

  /// How much of an image tower they need.
  LlavaModel.Depth depth() {
    return switch (settings.kind()) {
      case POOLED, PER_LAYER, SWITCH -> LlavaModel.Depth.USED;
      case CUMO -> LlavaModel.Depth.ALL;
    };
  }
}
