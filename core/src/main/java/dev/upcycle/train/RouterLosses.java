package dev.upcycle.train;

import dev.upcycle.kernels.loss.BalanceLoss;
import dev.upcycle.kernels.loss.ZLoss;
import dev.upcycle.kernels.moe.Routing;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.recipe.AuxiliaryLosses;
import dev.upcycle.recipe.Part;
import java.util.List;
import java.util.Optional;

/// The losses of a part's routers, with the weights of a stage.
record RouterLosses(AuxiliaryLosses settings) {
  /// Losses of one pass.
  ///
  /// @param balance scalar, before its weight
  /// @param routerZ scalar, before its weight
  /// @param weighted what is added to the cross-entropy, a scalar; empty when both weights are 0
  record Outcome(Tensor balance, Tensor routerZ, Optional<Tensor> weighted) {}

  /// @param routings of the layers, at least one
  Outcome of(Part part, List<Routing> routings) {
    Tensor balance = kind(routings).of(routings);
    Tensor routerZ = ZLoss.of(routings);
    double balanceWeight = settings.balance().of(part);
    double zWeight = settings.routerZ().of(part);
    return new Outcome(
        balance,
        routerZ,
        balanceWeight == 0 && zWeight == 0
            ? Optional.empty()
            : Optional.of(balance.times(balanceWeight).plus(routerZ.times(zWeight))));
  }

  private BalanceLoss kind(List<Routing> routings) {
    return switch (settings.kind()) {
      case POOLED -> new BalanceLoss.Pooled();
      case PER_LAYER -> new BalanceLoss.PerLayer();
      case SWITCH -> new BalanceLoss.Switch();
      case CUMO -> new BalanceLoss.SwitchPerImage(routings.getFirst().tokenCount());
    };
  }
}
