package dev.upcycle.train;

import dev.upcycle.kernels.loss.BalanceLoss;
import dev.upcycle.kernels.loss.ZLoss;
import dev.upcycle.kernels.moe.Routing;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.recipe.AuxiliaryLosses;
import java.util.List;
import java.util.Optional;

/// The losses of routers, with the weights of a stage.
record RouterLosses(AuxiliaryLosses settings) {
  /// Losses of one pass.
  ///
  /// @param balance scalar, before its weight
  /// @param routerZ scalar, before its weight
  /// @param weighted what is added to the cross-entropy, a scalar; empty when both weights are 0
  record Outcome(Tensor balance, Tensor routerZ, Optional<Tensor> weighted) {}

  /// @param routings of the layers, at least one
  Outcome of(List<Routing> routings) {
    Tensor balance = kind().of(routings);
    Tensor routerZ = ZLoss.of(routings);
    double balanceWeight = settings.balance();
    double zWeight = settings.routerZ();
    return new Outcome(
        balance,
        routerZ,
        balanceWeight == 0 && zWeight == 0
            ? Optional.empty()
            : Optional.of(balance.times(balanceWeight).plus(routerZ.times(zWeight))));
  }

  private BalanceLoss kind() {
    return switch (settings.kind()) {
      case POOLED -> new BalanceLoss.Pooled();
      case PER_LAYER -> new BalanceLoss.PerLayer();
      case SWITCH -> new BalanceLoss.Switch();
    };
  }
}
