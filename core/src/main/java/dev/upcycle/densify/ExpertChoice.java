package dev.upcycle.densify;

/// Which weights a dense feed-forward network gets from the experts of its layer.
public sealed interface ExpertChoice {
  /// Those that all experts share; experts that differ are refused.
  record Shared() implements ExpertChoice {}

  /// Those of one expert of every layer.
  ///
  /// @param index from 0
  record One(int index) implements ExpertChoice {
    /// Refuses a negative index.
    public One {
      if (index < 0) {
        throw new IllegalArgumentException("expert " + index);
      }
    }
  }

  /// The mean of all experts of the layer, summed in float64 in their order and rounded once.
  record Mean() implements ExpertChoice {}
}
