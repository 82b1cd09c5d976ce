package dev.upcycle.kernels.ffn;

import dev.upcycle.kernels.tensor.Tensor;
import java.util.List;

/// A feed-forward network, `[…, hidden]` to `[…, hidden]`: a dense layer's, or one expert.
public sealed interface FeedForward {
  /// Applies the network to every token.
  Tensor forward(Tensor x);

  /// `down(act(gate x) · up x)`; SwiGLU when the activation is SiLU (Shazeer, arXiv 2002.05202).
  ///
  /// @param gate `[intermediate, hidden]`
  /// @param up `[intermediate, hidden]`
  /// @param down `[hidden, intermediate]`
  record Gated(Linear gate, Linear up, Linear down, Activation activation) implements FeedForward {
    @Override
    public Tensor forward(Tensor x) {
      return down.forward(activation.apply(gate.forward(x)).times(up.forward(x)));
    }
  }

  /// The same with gate and up in one matrix, the gate's rows first.
  ///
  /// @param gateUp `[2 · intermediate, hidden]`
  /// @param down `[hidden, intermediate]`
  record FusedGated(Linear gateUp, Linear down, Activation activation) implements FeedForward {
    @Override
    public Tensor forward(Tensor x) {
      return down.forward(gatedActivation(gateUp.forward(x), activation));
    }
  }

  /// `down(act(up x))`, CLIP's and connectors' form.
  ///
  /// @param up `[intermediate, hidden]`
  /// @param down `[hidden, intermediate]`
  record TwoLayer(Linear up, Linear down, Activation activation) implements FeedForward {
    @Override
    public Tensor forward(Tensor x) {
      return down.forward(activation.apply(up.forward(x)));
    }
  }

  /// Linear maps with the function between each and the next: a connector of any depth.
  ///
  /// @param maps the first reads `[…, hidden]`; the last may give another width
  record Chain(List<Linear> maps, Activation activation) implements FeedForward {
    /// Refuses to have no maps.
    public Chain {
      maps = List.copyOf(maps);
      if (maps.isEmpty()) {
        throw new IllegalArgumentException("a chain needs at least one map");
      }
    }

    @Override
    public Tensor forward(Tensor x) {
      Tensor hidden = maps.getFirst().forward(x);
      for (Linear map : maps.subList(1, maps.size())) {
        hidden = map.forward(activation.apply(hidden));
      }
      return hidden;
    }
  }

  /// `act(gate) · up` of `[…, 2 · intermediate]`, the gate's columns first.
  static Tensor gatedActivation(Tensor gateUp, Activation activation) {
    long intermediate = gateUp.size(-1) / 2;
    List<Tensor> halves = gateUp.split(-1, intermediate, intermediate);
    return activation.apply(halves.get(0)).times(halves.get(1));
  }
}
