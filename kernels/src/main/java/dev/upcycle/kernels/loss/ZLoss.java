package dev.upcycle.kernels.loss;

import dev.upcycle.kernels.moe.Routing;
import dev.upcycle.kernels.tensor.Functions;
import dev.upcycle.kernels.tensor.Tensor;
import java.util.List;

/// Keeps logits small: the mean of `logsumexp(logits)²` over tokens and layers (ST-MoE, arXiv
/// 2202.08906, eq. 5).
public final class ZLoss {
  private ZLoss() {}

  /// The loss of a batch whose layers routed like this; a scalar.
  public static Tensor of(List<Routing> layers) {
    return RoutingSums.meanOver(layers, ZLoss::layer);
  }

  private static Tensor layer(Routing routing) {
    Tensor members = RoutingSums.members(routing);
    Tensor squares = Functions.logSumExp(routing.evidence().logits()).square();
    return squares.times(members).sum().over(RoutingSums.count(members));
  }
}
