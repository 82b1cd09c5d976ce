package dev.upcycle.train;

import java.util.List;

/// What a step measured, each loss as it is before its weight.
///
/// @param total what was minimised
/// @param crossEntropy mean over the learned tokens
/// @param balance mean over micro-batches; 0 without routers
/// @param routerZ likewise
/// @param choices how often each expert of each layer that routes was chosen
public record StepLosses(
    double total, double crossEntropy, double balance, double routerZ, List<List<Long>> choices) {
  /// Takes a copy.
  public StepLosses {
    choices = choices.stream().map(List::copyOf).toList();
  }

  /// The share of the most used expert of each layer that routes.
  public List<Double> shares() {
    return choices.stream().map(StepLosses::share).toList();
  }

  private static double share(List<Long> layer) {
    long all = layer.stream().mapToLong(Long::longValue).sum();
    long most = layer.stream().mapToLong(Long::longValue).max().orElse(0);
    return all == 0 ? 0 : (double) most / all;
  }

  /// The largest share of the choices that an expert has in any layer; 0 without routers.
  public double largestShare() {
    return shares().stream().mapToDouble(Double::doubleValue).max().orElse(0);
  }
}
