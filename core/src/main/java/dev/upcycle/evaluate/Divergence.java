package dev.upcycle.evaluate;

import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;

/// Adds up how far two models' predictions lie apart; one thread.
final class Divergence {
  private double sum;
  private long agreeing;
  private long rows;

  /// Adds tokens by the logarithms of their probabilities, `[rows, vocab]`.
  void add(Tensor first, Tensor second) {
    try (TensorScope _ = TensorScope.open()) {
      for (float value : first.exp().times(first.minus(second)).sum(1).toFloats()) {
        sum += value;
      }
      long[] ours = first.argmax().toLongs();
      long[] theirs = second.argmax().toLongs();
      for (int i = 0; i < ours.length; i++) {
        agreeing += ours[i] == theirs[i] ? 1 : 0;
      }
      rows += ours.length;
    }
  }

  /// Mean of `Σ p (ln p − ln q)`, in nats, *p* the first model's probabilities; never below 0.
  double mean() {
    return rows == 0 ? 0 : Math.max(0, sum / rows);
  }

  /// Share of tokens whose likeliest prediction is the same.
  double agreement() {
    return rows == 0 ? 0 : agreeing / (double) rows;
  }
}
