package dev.upcycle.calibrate;

/// How a router's rows come from what a layer sees.
public sealed interface RouterKind {
  /// An expert's row is the mean state of its texts, less that of the texts that it should not
  /// take.
  ///
  /// Of each passage the mean over its tokens or its last token, then the mean over passages.
  ///
  /// @param at which state
  /// @param tokens which tokens of a passage
  record Hidden(State at, Tokens tokens) implements RouterKind {}

  /// An expert's row is a centre of spherical k-means over the router's inputs.
  ///
  /// @param experts how many centres
  /// @param seed of the first centres
  record Centroid(int experts, long seed) implements RouterKind {
    /// Refuses fewer than one.
    public Centroid {
      if (experts < 1) {
        throw new IllegalArgumentException(experts + " experts");
      }
    }
  }

  /// A hidden state of a layer.
  enum State {
    /// What a router reads: after attention, its residual and the norm before the feed-forward
    /// network.
    ROUTER_INPUT,
    /// The residual stream that enters the layer, which is where mergekit-moe takes it
    /// (`mergekit/moe/router.py`, gate modes `hidden` and `hidden_avg`).
    LAYER_INPUT
  }

  /// Tokens of a passage.
  enum Tokens {
    /// Their mean.
    ALL,
    /// The last one.
    LAST
  }
}
