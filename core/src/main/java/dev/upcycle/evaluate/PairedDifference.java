package dev.upcycle.evaluate;

/// The mean difference of two measurements of the same things, with its standard error.
///
/// Pairing takes out what both have in common, the difficulty of each token, so that a small
/// difference shows. The standard error treats tokens as independent.
///
/// @param count of pairs
/// @param mean of second minus first
/// @param standardError of the mean: deviation over the root of the count; 0 for fewer than 2 pairs
public record PairedDifference(long count, double mean, double standardError) {
  /// Of measurements in the same order.
  public static PairedDifference of(double[] first, double[] second) {
    if (first.length != second.length) {
      throw new IllegalArgumentException(
          "%d and %d measurements cannot be paired".formatted(first.length, second.length));
    }
    double mean = 0;
    double squares = 0;
    for (int i = 0; i < first.length; i++) {
      double difference = second[i] - first[i];
      double step = difference - mean;
      mean += step / (i + 1);
      squares += step * (difference - mean);
    }
    double error = first.length < 2 ? 0 : Math.sqrt(squares / (first.length - 1.0) / first.length);
    return new PairedDifference(first.length, mean, error);
  }
}
