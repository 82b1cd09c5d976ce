package dev.upcycle.kernels.bench;

import java.util.stream.DoubleStream;

/// The middle of measurements.
public final class Median {
  private Median() {}

  /// The middle one; of an even number, the mean of the middle two. NaN counts as the largest.
  ///
  /// @throws IllegalArgumentException when there are none
  public static double of(DoubleStream values) {
    double[] sorted = values.sorted().toArray();
    if (sorted.length == 0) {
      throw new IllegalArgumentException("no values, so no median");
    }
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
}
