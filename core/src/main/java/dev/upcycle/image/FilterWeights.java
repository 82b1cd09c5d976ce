package dev.upcycle.image;

/// For each target position along one axis, which source positions count and how much, in Pillow's
/// fixed point: weights are whole numbers of 2^-22, rounded half away from zero.
///
/// When shrinking, the filter is widened by the ratio, so that every source pixel counts.
///
/// @param starts the first source position of each target position
/// @param counts how many source positions each target position has
/// @param weights `[targets, stride]`
/// @param stride room for each target position's weights
@SuppressWarnings("ArrayRecordComponent") // internal, never compared
record FilterWeights(int[] starts, int[] counts, int[] weights, int stride) {
  /// Bits after the point: 32 less 8 for the sample and 2 for overshoot.
  static final int PRECISION_BITS = 32 - 8 - 2;

  private static final double ONE = 1 << PRECISION_BITS;

  static FilterWeights of(Resampling filter, int source, int target) {
    double scale = (double) source / target;
    double filterScale = Math.max(scale, 1);
    double support = filter.support() * filterScale;
    int stride = Math.toIntExact((long) Math.ceil(support) * 2 + 1);
    FilterWeights made =
        new FilterWeights(
            new int[target], new int[target], new int[Math.multiplyExact(target, stride)], stride);
    double[] row = new double[stride];
    for (int at = 0; at < target; at++) {
      double centre = (at + 0.5) * scale;
      int start = Math.max((int) (centre - support + 0.5), 0);
      int count = Math.min((int) (centre + support + 0.5), source) - start;
      for (int i = 0; i < count; i++) {
        row[i] = filter.weight((i + start - centre + 0.5) * (1.0 / filterScale));
      }
      made.put(at, start, count, row);
    }
    return made;
  }

  private void put(int at, int start, int count, double[] row) {
    starts[at] = start;
    counts[at] = count;
    double sum = 0;
    for (int i = 0; i < count; i++) {
      sum += row[i];
    }
    for (int i = 0; i < count; i++) {
      double share = sum == 0 ? row[i] : row[i] / sum;
      weights[at * stride + i] = (int) (share * ONE + (share < 0 ? -0.5 : 0.5));
    }
  }
}
