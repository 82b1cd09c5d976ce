package dev.upcycle.evaluate;

/// Adds up differences of two measurements of the same things, by Welford's recurrence; one thread.
final class PairedSums {
  private long count;
  private double mean;
  private double squares;

  /// Adds pairs.
  void add(double[] first, double[] second) {
    if (first.length != second.length) {
      throw new IllegalArgumentException(
          "%d and %d measurements cannot be paired".formatted(first.length, second.length));
    }
    for (int i = 0; i < first.length; i++) {
      double difference = second[i] - first[i];
      double step = difference - mean;
      count++;
      mean += step / count;
      squares += step * (difference - mean);
    }
  }

  /// Of all pairs so far.
  PairedDifference difference() {
    double error = count < 2 ? 0 : Math.sqrt(squares / (count - 1.0) / count);
    return new PairedDifference(count, mean, error);
  }
}
