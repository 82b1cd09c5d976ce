package dev.upcycle.evaluate;

/// Adds up how the predictions of two models differ; one thread.
final class PairedTally {
  private final PairedSums losses = new PairedSums();
  private final Divergence divergence = new Divergence();

  /// Adds the same tokens as both predict them.
  void add(TokenLosses first, TokenLosses second) {
    first.pair(second, losses, divergence);
  }

  <E> Comparison<E> comparison(E first, E second) {
    return new Comparison<>(
        first, second, losses.difference(), divergence.mean(), divergence.agreement());
  }
}
