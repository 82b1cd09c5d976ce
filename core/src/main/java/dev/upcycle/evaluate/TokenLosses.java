package dev.upcycle.evaluate;

import dev.upcycle.kernels.tensor.Tensor;

/// What a model predicts of some tokens.
final class TokenLosses {
  private final Tensor logProbabilities;
  private final double[] losses;

  /// Takes a copy.
  ///
  /// @param logProbabilities logarithms of the probabilities of all tokens, `[rows, vocab]`,
  ///   float32
  /// @param losses the negative log-likelihood of each row's label, in nats
  TokenLosses(Tensor logProbabilities, double... losses) {
    this.logProbabilities = logProbabilities;
    this.losses = losses.clone();
  }

  /// Adds the same tokens as another model predicts them.
  void pair(TokenLosses other, PairedSums sums, Divergence divergence) {
    sums.add(losses, other.losses);
    divergence.add(logProbabilities, other.logProbabilities.to(logProbabilities.device()));
  }
}
