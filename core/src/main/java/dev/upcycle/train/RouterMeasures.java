package dev.upcycle.train;

import java.util.List;

/// What a part's routers did in a step, each loss as it is before its weight.
///
/// @param balance mean over micro-batches
/// @param routerZ likewise
/// @param choices how often each expert of each layer was chosen; a tower that looks at several
///   scales counts each of them as a layer
public record RouterMeasures(double balance, double routerZ, List<List<Long>> choices) {
  /// Takes a copy.
  public RouterMeasures {
    choices = choices.stream().map(List::copyOf).toList();
  }

  /// The share of the most used expert of each layer.
  public List<Double> shares() {
    return choices.stream().map(RouterMeasures::share).toList();
  }

  private static double share(List<Long> layer) {
    long all = layer.stream().mapToLong(Long::longValue).sum();
    long most = layer.stream().mapToLong(Long::longValue).max().orElse(0);
    return all == 0 ? 0 : (double) most / all;
  }
}
