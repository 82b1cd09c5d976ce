package dev.upcycle.kernels.moe;

import dev.upcycle.kernels.ffn.Activation;
import dev.upcycle.kernels.ffn.FeedForward;
import dev.upcycle.kernels.ffn.Linear;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.Tensors;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// The parameters of a layer's experts.
public sealed interface ExpertWeights {
  /// Each expert as a network; where the parameters are stacked, by one unbinding for all.
  List<FeedForward> networks();

  /// A first projection, `[…, H]`: of all experts, or of the first one.
  Tensor up();

  /// A last projection, `[…, H, I]`: of all experts, or of the first one.
  Tensor down();

  /// A network per expert, as most checkpoints store them.
  record Separate(List<FeedForward> networks) implements ExpertWeights {
    /// Refuses to have no experts.
    public Separate {
      networks = List.copyOf(networks);
      if (networks.isEmpty()) {
        throw new IllegalArgumentException("a layer needs at least one expert");
      }
    }

    @Override
    public Tensor up() {
      return switch (networks.getFirst()) {
        case FeedForward.Gated gated -> gated.up().weight();
        case FeedForward.FusedGated fused -> fused.gateUp().weight();
        case FeedForward.TwoLayer two -> two.up().weight();
        case FeedForward.Chain chain -> chain.maps().getFirst().weight();
      };
    }

    @Override
    public Tensor down() {
      return switch (networks.getFirst()) {
        case FeedForward.Gated gated -> gated.down().weight();
        case FeedForward.FusedGated fused -> fused.down().weight();
        case FeedForward.TwoLayer two -> two.down().weight();
        case FeedForward.Chain chain -> chain.maps().getLast().weight();
      };
    }

    /// Whether [#stack] can: deeper chains have more than two projections.
    boolean stacks() {
      return networks.stream()
          .allMatch(network ->
              !(network instanceof FeedForward.Chain chain)
                  || chain.maps().size() == Projections.MAPS);
    }

    /// The same weights in one tensor per projection; a copy through which gradients reach each of
    /// them.
    ///
    /// @throws IllegalArgumentException when the experts are of several kinds
    Stacked stack() {
      List<Projections> all = networks.stream().map(Projections::of).toList();
      Form form = all.getFirst().form();
      boolean biased = all.getFirst().up().bias() != null;
      if (all.stream().anyMatch(each -> !each.form().equals(form) || each.biased() != biased)) {
        throw new IllegalArgumentException("experts of several kinds cannot be stacked");
      }
      List<Linear> ups = all.stream().map(Projections::up).toList();
      List<Linear> downs = all.stream().map(Projections::down).toList();
      return new Stacked(
          form,
          Tensors.stack(ups.stream().map(Linear::weight).toList(), 0),
          Tensors.stack(downs.stream().map(Linear::weight).toList(), 0),
          biased ? new Biases(biases(ups), biases(downs)) : null);
    }

    private static Tensor biases(List<Linear> maps) {
      return Tensors.stack(
          maps.stream().map(map -> Objects.requireNonNull(map.bias())).toList(), 0);
    }
  }

  /// One expert's two maps, the gate's rows before the rest in the first.
  record Projections(Form form, Linear up, Linear down) {
    private static final int MAPS = 2;

    /// Refuses a bias in one of them only.
    public Projections {
      if ((up.bias() == null) != (down.bias() == null)) {
        throw new IllegalArgumentException("an expert has biases in both of its maps or in none");
      }
    }

    static Projections of(FeedForward network) {
      return switch (network) {
        case FeedForward.Gated(Linear gate, Linear up, Linear down, Activation activation) ->
            new Projections(new Form(Gating.GATED, activation), joined(gate, up), down);
        case FeedForward.FusedGated(Linear gateUp, Linear down, Activation activation) ->
            new Projections(new Form(Gating.GATED, activation), gateUp, down);
        case FeedForward.TwoLayer(Linear up, Linear down, Activation activation) ->
            new Projections(new Form(Gating.PLAIN, activation), up, down);
        case FeedForward.Chain(List<Linear> maps, Activation activation) -> {
          if (maps.size() != MAPS) {
            throw new IllegalArgumentException(
                "an expert of %d maps cannot be stacked, only one of 2".formatted(maps.size()));
          }
          yield new Projections(
              new Form(Gating.PLAIN, activation), maps.getFirst(), maps.getLast());
        }
      };
    }

    private static Linear joined(Linear gate, Linear up) {
      Tensor weight = Tensors.concat(List.of(gate.weight(), up.weight()), 0);
      return gate.bias() == null || up.bias() == null
          ? Linear.of(weight)
          : new Linear(weight, Tensors.concat(List.of(gate.bias(), up.bias()), 0));
    }

    boolean biased() {
      return up.bias() != null;
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
