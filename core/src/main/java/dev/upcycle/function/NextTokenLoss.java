package dev.upcycle.function;

import dev.upcycle.kernels.tensor.Functions;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import java.util.Arrays;

/// The loss of a model whose logits come a stretch of the vocabulary at a time; one thread.
final class NextTokenLoss {
  private final long[] labels;
  private final double[] logSums;
  private final double[] picked;

  /// @param labels the token after each row of logits; -1 where nothing follows
  NextTokenLoss(long[] labels) {
    this.labels = labels.clone();
    this.logSums = new double[labels.length];
    this.picked = new double[labels.length];
    Arrays.fill(logSums, Double.NEGATIVE_INFINITY);
  }

  /// Adds the logits of vocabulary entries from `first` on, `[rows, count]`.
  void add(Tensor logits, long first) {
    try (TensorScope _ = TensorScope.open()) {
      float[] sums = Functions.logSumExp(logits).toFloats();
      int count = Math.toIntExact(logits.size(1));
      for (int row = 0; row < labels.length; row++) {
        logSums[row] = logAdd(logSums[row], sums[row]);
        long column = labels[row] - first;
        if (labels[row] >= 0 && column >= 0 && column < count) {
          picked[row] = logits.narrow(0, row, 1).narrow(1, column, 1).item();
        }
      }
    }
  }

  private static double logAdd(double left, double right) {
    double large = Math.max(left, right);
    double small = Math.min(left, right);
    return small == Double.NEGATIVE_INFINITY ? large : large + Math.log1p(Math.exp(small - large));
  }

  /// Mean over the rows that something follows.
  double mean() {
    double sum = 0;
    int rows = 0;
    for (int row = 0; row < labels.length; row++) {
      if (labels[row] >= 0) {
        sum += logSums[row] - picked[row];
        rows++;
      }
    }
    return sum / rows;
  }
}
