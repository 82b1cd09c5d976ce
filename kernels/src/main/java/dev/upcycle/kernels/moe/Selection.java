package dev.upcycle.kernels.moe;

import dev.upcycle.kernels.tensor.Tensor;

/// Who chooses whom.
public sealed interface Selection {
  /// Each token takes the experts with its `count` best scores; causal.
  record TokenChoice(int count) implements Selection {
    /// Refuses a count below 1.
    public TokenChoice {
      if (count < 1) {
        throw new IllegalArgumentException("a token must take at least 1 expert, not " + count);
      }
    }
  }

  /// Each expert takes a fraction of the batch's tokens, those that score best with it (Zhou et
  /// al., arXiv 2202.09368). A token's experts depend on the tokens after it: not causal.
  ///
  /// @param fraction of the tokens that each expert takes, `1 / E` for the cost of a dense layer
  record ExpertChoice(double fraction) implements Selection {
    /// Refuses a fraction outside (0, 1].
    public ExpertChoice {
      if (!(fraction > 0 && fraction <= 1)) {
        throw new IllegalArgumentException("fraction must be in (0, 1], not " + fraction);
      }
    }
  }

  /// Each expert takes the tokens whose score passes its threshold: what expert choice becomes at
  /// causal inference, with thresholds calibrated as each expert's mean lowest accepted score.
  ///
  /// @param thresholds `[E]`
  record Threshold(Tensor thresholds) implements Selection {}
}
