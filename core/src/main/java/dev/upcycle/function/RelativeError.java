package dev.upcycle.function;

import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;

/// `max|a − b| / max|a|`, *a* the dense side.
final class RelativeError {
  private RelativeError() {}

  /// Over all elements.
  static double of(Tensor dense, Tensor target) {
    try (TensorScope _ = TensorScope.open()) {
      return ratio(dense.minus(target).abs().max().item(), dense.abs().max().item());
    }
  }

  /// Of each token by itself, the largest of them: a token of huge activations, which many models
  /// have at the first place, hides nothing of the others.
  ///
  /// @param dense `[…, hidden]`
  static double ofWorstToken(Tensor dense, Tensor target) {
    try (TensorScope _ = TensorScope.open()) {
      long hidden = dense.size(-1);
      float[] distances = largest(dense.minus(target).reshape(-1, hidden));
      float[] magnitudes = largest(dense.reshape(-1, hidden));
      double worst = 0;
      for (int token = 0; token < distances.length; token++) {
        worst = Math.max(worst, ratio(distances[token], magnitudes[token]));
      }
      return worst;
    }
  }

  /// Largest magnitude of each row; NaN where a row has one.
  private static float[] largest(Tensor rows) {
    return rows.abs().topK(1).values().toFloats();
  }

  /// What cannot be compared is infinitely far apart.
  static double ratio(double distance, double magnitude) {
    if (!Double.isFinite(distance) || !Double.isFinite(magnitude)) {
      return Double.POSITIVE_INFINITY;
    }
    if (distance == 0) {
      return 0;
    }
    return magnitude == 0 ? Double.POSITIVE_INFINITY : distance / magnitude;
  }
}
