package dev.upcycle.kernels.moe;

import dev.upcycle.kernels.ffn.Activation;
import dev.upcycle.kernels.ffn.FeedForward;
import dev.upcycle.kernels.ffn.Linear;
import dev.upcycle.kernels.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The parameters of a layer's experts.
public sealed interface ExpertWeights {
  /// Each expert as a network; where the parameters are stacked, by one unbinding for all.
  List<FeedForward> networks();

  /// A network per expert, as most checkpoints store them.
  record Separate(List<FeedForward> networks) implements ExpertWeights {
    /// Refuses to have no experts.
    public Separate {
      networks = List.copyOf(networks);
      if (networks.isEmpty()) {
        throw new IllegalArgumentException("a layer needs at least one expert");
      }
    }
  }

  /// All experts in one tensor per projection.
  ///
  /// @param form what the experts are
  /// @param up `[E, 2 · I, H]` with the gate's rows first when gated, else `[E, I, H]`
  /// @param down `[E, H, I]`
  /// @param biases null for none
  record Stacked(Form form, Tensor up, Tensor down, @Nullable Biases biases)
      implements ExpertWeights {
    @Override
    public List<FeedForward> networks() {
      List<Tensor> ups = up.unbind(0);
      List<Tensor> downs = down.unbind(0);
      List<Tensor> upBiases = biases == null ? List.of() : biases.up().unbind(0);
      List<Tensor> downBiases = biases == null ? List.of() : biases.down().unbind(0);
      List<FeedForward> networks = new ArrayList<>(ups.size());
      for (int i = 0; i < ups.size(); i++) {
        Linear first = new Linear(ups.get(i), biases == null ? null : upBiases.get(i));
        Linear second = new Linear(downs.get(i), biases == null ? null : downBiases.get(i));
        networks.add(
            switch (form.gating()) {
              case GATED -> new FeedForward.FusedGated(first, second, form.activation());
              case PLAIN -> new FeedForward.TwoLayer(first, second, form.activation());
            });
      }
      return List.copyOf(networks);
    }
  }

  /// What stacked experts are.
  record Form(Gating gating, Activation activation) {
    /// `act` of the first projection, times the other half of it where gated.
    Tensor activate(Tensor projected) {
      return switch (gating) {
        case GATED -> FeedForward.gatedActivation(projected, activation);
        case PLAIN -> activation.apply(projected);
      };
    }
  }

  /// Whether an expert's first projection has a gate.
  enum Gating {
    GATED,
    PLAIN
  }

  /// Stacked biases.
  ///
  /// @param up `[E, rows of up]`
  /// @param down `[E, H]`
  record Biases(Tensor up, Tensor down) {}
}
