package dev.upcycle.function;

import dev.upcycle.function.FunctionReport.Loss;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.model.LayerWalk;

/// The logits of two models, some rows of the vocabulary at a time; one thread.
final class HeadComparison {
  /// Rows of the head that are in memory at once.
  private static final long CHUNK = 8192;

  private final LayerWalk dense;
  private final LayerWalk target;
  private final NextTokenLoss denseLoss;
  private final NextTokenLoss targetLoss;
  private double distance;
  private double magnitude;

  /// @param labels what follows each token; -1 where nothing is predicted
  HeadComparison(LayerWalk dense, LayerWalk target, long[] labels) {
    this.dense = dense;
    this.target = target;
    this.denseLoss = new NextTokenLoss(labels);
    this.targetLoss = new NextTokenLoss(labels);
  }

  /// Compares what both heads make of the states after the last layer, `[batch, seq, hidden]`.
  void compare(Tensor ofDense, Tensor ofTarget) {
    try (TensorScope _ = TensorScope.open()) {
      Tensor ours = dense.normalise(ofDense);
      Tensor theirs = target.normalise(ofTarget);
      for (long first = 0; first < dense.vocab(); first += CHUNK) {
        chunk(ours, theirs, first);
      }
    }
  }

  private void chunk(Tensor ofDense, Tensor ofTarget, long first) {
    long count = Math.min(CHUNK, dense.vocab() - first);
    try (TensorScope _ = TensorScope.open()) {
      Tensor ours = dense.logits(ofDense, first, count).reshape(-1, count);
      Tensor theirs = target.logits(ofTarget, first, count).reshape(-1, count);
      distance = Math.max(distance, ours.minus(theirs).abs().max().item());
      magnitude = Math.max(magnitude, ours.abs().max().item());
      denseLoss.add(ours, first);
      targetLoss.add(theirs, first);
    }
  }

  double error() {
    return RelativeError.ratio(distance, magnitude);
  }

  Loss loss() {
    return new Loss(denseLoss.mean(), targetLoss.mean());
  }
}
