package dev.upcycle.kernels.attention;

import dev.upcycle.kernels.tensor.Sight;
import dev.upcycle.kernels.tensor.Tensor;

/// Which tokens a token may look at.
public sealed interface AttentionPattern {
  /// All of them, as in a vision tower.
  record Bidirectional() implements AttentionPattern {}

  /// Itself and those before it.
  record Causal() implements AttentionPattern {}

  /// Itself and the `window - 1` before it.
  record SlidingWindow(long window) implements AttentionPattern {
    /// Refuses an empty window.
    public SlidingWindow {
      if (window < 1) {
        throw new IllegalArgumentException("a window must hold at least 1 token, not " + window);
      }
    }
  }

  /// What tokens may see that are alone in the sequence, nothing being cached.
  default Sight sight(Tensor positions) {
    return switch (this) {
      case Bidirectional _ -> new Sight.Everything();
      case Causal _ -> new Sight.Causal();
      case SlidingWindow(long window) ->
          positions.elements() <= window
              ? new Sight.Causal()
              : new Sight.Masked(mask(positions, positions));
    };
  }

  /// What tokens may see of a cache that ends with themselves.
  default Sight sight(Tensor queryPositions, Tensor keyPositions) {
    return switch (this) {
      case Bidirectional _ -> new Sight.Everything();
      case Causal _ ->
          queryPositions.elements() == 1
              ? new Sight.Everything()
              : new Sight.Masked(mask(queryPositions, keyPositions));
      case SlidingWindow _ -> new Sight.Masked(mask(queryPositions, keyPositions));
    };
  }

  /// What tokens may see of the text that they are in, nothing being cached.
  default Sight sight(Tensor positions, Documents documents) {
    return switch (this) {
      case Bidirectional _ -> new Sight.Masked(documents.same());
      case Causal _ -> new Sight.Masked(documents.past());
      case SlidingWindow(long window) ->
          positions.elements() <= window
              ? new Sight.Masked(documents.past())
              : new Sight.Masked(documents.same().and(mask(positions, positions)));
    };
  }

  private Tensor mask(Tensor queryPositions, Tensor keyPositions) {
    Tensor query = queryPositions.unsqueeze(1);
    Tensor key = keyPositions.unsqueeze(0);
    Tensor past = key.isAtMost(query);
    return this instanceof SlidingWindow(long window)
        ? past.and(key.plus(window).isGreaterThan(query))
        : past;
  }
}
