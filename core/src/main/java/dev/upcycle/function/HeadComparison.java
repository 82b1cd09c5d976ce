package dev.upcycle.function;

import dev.upcycle.function.FunctionReport.Errors;
import dev.upcycle.function.FunctionReport.Loss;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.model.LayerWalk;
import java.util.List;

/// The logits of two models, some rows of the vocabulary at a time; one thread.
final class HeadComparison {
  /// Rows of the head that are in memory at once.
  private static final long CHUNK = 8192;

  private final LayerWalk dense;
  private final LayerWalk target;
  private final NextTokenLoss denseLoss;
  private final NextTokenLoss targetLoss;
  private final double[] distances = new double[3];
  private double magnitude;

  /// @param labels what follows each token; -1 where nothing is predicted
  HeadComparison(LayerWalk dense, LayerWalk target, long[] labels) {
    this.dense = dense;
    this.target = target;
    this.denseLoss = new NextTokenLoss(labels);
    this.targetLoss = new NextTokenLoss(labels);
  }

  /// Compares what both heads make of the states after the last layer, `[batch, seq, hidden]`.
  void compare(States end) {
    try (TensorScope _ = TensorScope.open()) {
      Views<Tensor> normed = end.views().ends(dense::normalise, target::normalise);
      for (long first = 0; first < dense.vocab(); first += CHUNK) {
        chunk(normed, first);
      }
    }
  }

  private void chunk(Views<Tensor> normed, long first) {
    long count = Math.min(CHUNK, dense.vocab() - first);
    try (TensorScope _ = TensorScope.open()) {
      List<Tensor> ofDense =
          rows(dense.logits(List.of(normed.dense(), normed.perturbed()), first, count));
      List<Tensor> ofTarget =
          rows(target.logits(List.of(normed.alone(), normed.target()), first, count));
      Tensor ours = ofDense.getFirst();
      Tensor theirs = ofTarget.getLast();
      magnitude = Math.max(magnitude, ours.abs().max().item());
      List<Tensor> others = List.of(ofTarget.getFirst(), theirs, ofDense.getLast());
      for (int i = 0; i < distances.length; i++) {
        distances[i] = Math.max(distances[i], ours.minus(others.get(i)).abs().max().item());
      }
      denseLoss.add(ours, first);
      targetLoss.add(theirs, first);
    }
  }

  /// `[batch, seq, count]` to `[tokens, count]`.
  private static List<Tensor> rows(List<Tensor> logits) {
    return logits.stream().map(one -> one.reshape(-1, one.size(-1))).toList();
  }

  Errors errors() {
    return new Errors(
        RelativeError.ratio(distances[0], magnitude),
        RelativeError.ratio(distances[1], magnitude),
        RelativeError.ratio(distances[2], magnitude));
  }

  Loss loss() {
    return new Loss(denseLoss.mean(), targetLoss.mean());
  }
}
