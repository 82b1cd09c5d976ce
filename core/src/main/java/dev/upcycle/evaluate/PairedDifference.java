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
    PairedSums sums = new PairedSums();
    sums.add(first, second);
    return sums.difference();
  }
}
