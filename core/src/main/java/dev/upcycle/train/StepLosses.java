package dev.upcycle.train;

import java.util.List;

/// What a step measured, each loss as it is before its weight.
///
/// @param total what was minimised
/// @param crossEntropy mean over the learned tokens
/// @param balance mean over micro-batches; 0 without routers
/// @param routerZ likewise
/// @param shares of the most used expert of each layer that routes
public record StepLosses(
    double total, double crossEntropy, double balance, double routerZ, List<Double> shares) {
  /// Takes a copy.
  public StepLosses {
    shares = List.copyOf(shares);
  }

  /// The largest share of the choices that an expert has in any layer; 0 without routers.
  public double largestShare() {
    return shares.stream().mapToDouble(Double::doubleValue).max().orElse(0);
  }
}
