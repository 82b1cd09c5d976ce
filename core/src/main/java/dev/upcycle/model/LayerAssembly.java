package dev.upcycle.model;

import dev.upcycle.arch.Role;
import dev.upcycle.kernels.attention.GroupedQueryAttention;
import dev.upcycle.kernels.ffn.FeedForward;
import dev.upcycle.kernels.ffn.Linear;
import dev.upcycle.kernels.moe.ExpertWeights;
import dev.upcycle.kernels.moe.Experts;
import dev.upcycle.kernels.moe.MoeLayer;
import dev.upcycle.kernels.moe.Router;
import dev.upcycle.kernels.moe.SharedExpert;
import dev.upcycle.kernels.norm.Norm;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Builds one layer from the tensors of its names.
///
/// @param names the layer's own
/// @param form of all layers
/// @param weights at least the layer's own
record LayerAssembly(CheckpointBinding.Names names, LayerForm form, WeightTable weights) {

  /// All layers of a model.
  static List<TransformerLayer> all(
      CheckpointBinding binding, LayerForm form, WeightTable weights) {
    List<TransformerLayer> layers = new ArrayList<>();
    for (int layer = 0; layer < binding.layers().size(); layer++) {
      layers.add(new LayerAssembly(binding.layers().get(layer), form, weights).assemble(layer));
    }
    return List.copyOf(layers);
  }

  TransformerLayer assemble(int layer) {
    return new TransformerLayer(
        norm(names.require(Role.INPUT_NORM)),
        attention(layer),
        norm(names.require(Role.POST_ATTENTION_NORM)),
        names.find(Role.ROUTER).isPresent()
            ? new FeedForwardBlock.Sparse(experts())
            : new FeedForwardBlock.Dense(network()));
  }

  private GroupedQueryAttention attention(int layer) {
    return new GroupedQueryAttention(
        form.attention().get(layer),
        new GroupedQueryAttention.Projections(
            linear(Role.ATTENTION_QUERY),
            linear(Role.ATTENTION_KEY),
            linear(Role.ATTENTION_VALUE),
            linear(Role.ATTENTION_OUTPUT)),
        headNorm(Role.QUERY_NORM),
        headNorm(Role.KEY_NORM));
  }

  private @Nullable Norm headNorm(Role role) {
    Optional<String> name = names.find(role);
    return name.isPresent() ? norm(name.get()) : null;
  }

  private FeedForward network() {
    return names.find(Role.FFN_GATE).isPresent()
        ? gated(Role.FFN_GATE, Role.FFN_UP, Role.FFN_DOWN)
        : new FeedForward.TwoLayer(linear(Role.FFN_UP), linear(Role.FFN_DOWN), form.activation());
  }

  private MoeLayer experts() {
    Router router = Router.of(form.router(), weights.require(names.require(Role.ROUTER)));
    return new MoeLayer(router, Experts.fastest(expertWeights()), shared());
  }

  private ExpertWeights expertWeights() {
    Optional<String> stacked = names.find(Role.STACKED_GATE_UP);
    if (stacked.isPresent()) {
      return new ExpertWeights.Stacked(
          new ExpertWeights.Form(ExpertWeights.Gating.GATED, form.activation()),
          weights.require(stacked.get()),
          weights.require(names.require(Role.STACKED_DOWN)),
          null);
    }
    List<FeedForward> networks = new ArrayList<>();
    for (int expert = 0; expert < names.all(Role.EXPERT_UP).size(); expert++) {
      networks.add(expert(expert));
    }
    return new ExpertWeights.Separate(networks);
  }

  private FeedForward expert(int expert) {
    Linear up = weights.linear(names.all(Role.EXPERT_UP).get(expert));
    Linear down = weights.linear(names.all(Role.EXPERT_DOWN).get(expert));
    List<String> gates = names.all(Role.EXPERT_GATE);
    return gates.isEmpty()
        ? new FeedForward.TwoLayer(up, down, form.activation())
        : new FeedForward.Gated(weights.linear(gates.get(expert)), up, down, form.activation());
  }

  private @Nullable SharedExpert shared() {
    return names.find(Role.SHARED_ROUTER).isEmpty()
        ? null
        : new SharedExpert.SigmoidGated(
            gated(Role.SHARED_GATE, Role.SHARED_UP, Role.SHARED_DOWN), linear(Role.SHARED_ROUTER));
  }

  private FeedForward gated(Role gate, Role up, Role down) {
    return new FeedForward.Gated(linear(gate), linear(up), linear(down), form.activation());
  }

  private Norm norm(String name) {
    return weights.norm(name, form.norm());
  }

  private Linear linear(Role role) {
    return weights.linear(names.require(role));
  }
}
