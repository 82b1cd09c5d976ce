package dev.upcycle.train;

import java.util.List;

/// What a part's routers did in a step, each loss as it is before its weight.
///
/// @param balance mean over micro-batches
/// @param routerZ likewise
/// @param shares of the most used expert of each layer; a tower that looks at several scales counts
///   each of them as a layer
public record RouterMeasures(double balance, double routerZ, List<Double> shares) {
  /// Takes a copy.
  public RouterMeasures {
    shares = List.copyOf(shares);
  }
}
