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
import dev.upcycle.kernels.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Builds one layer from the tensors of its names.
final class LayerAssembly {
  private static final String WEIGHT = ".weight";
  private static final String BIAS = ".bias";

  private final CheckpointBinding.Names names;
  private final DecoderForm form;
  private final Map<String, Tensor> weights;

  /// @param weights at least the layer's own
  LayerAssembly(CheckpointBinding.Names names, DecoderForm form, Map<String, Tensor> weights) {
    this.names = names;
    this.form = form;
    this.weights = weights;
  }

  DecoderLayer assemble(int layer) {
    return new DecoderLayer(
        norm(names.require(Role.INPUT_NORM)),
        attention(layer),
        norm(names.require(Role.POST_ATTENTION_NORM)),
        names.find(Role.ROUTER).isPresent()
            ? new FeedForwardBlock.Sparse(experts())
            : new FeedForwardBlock.Dense(gated(Role.FFN_GATE, Role.FFN_UP, Role.FFN_DOWN)));
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

  private MoeLayer experts() {
    Router router = Router.of(form.router(), weight(names.require(Role.ROUTER)));
    return new MoeLayer(router, Experts.fastest(expertWeights()), shared());
  }

  private ExpertWeights expertWeights() {
    Optional<String> stacked = names.find(Role.STACKED_GATE_UP);
    if (stacked.isPresent()) {
      return new ExpertWeights.Stacked(
          new ExpertWeights.Form(ExpertWeights.Gating.GATED, form.activation()),
          weight(stacked.get()),
          weight(names.require(Role.STACKED_DOWN)),
          null);
    }
    List<String> gates = names.all(Role.EXPERT_GATE);
    List<String> ups = names.all(Role.EXPERT_UP);
    List<String> downs = names.all(Role.EXPERT_DOWN);
    List<FeedForward> networks = new ArrayList<>();
    for (int expert = 0; expert < gates.size(); expert++) {
      networks.add(
          new FeedForward.Gated(
              linear(gates.get(expert)),
              linear(ups.get(expert)),
              linear(downs.get(expert)),
              form.activation()));
    }
    return new ExpertWeights.Separate(networks);
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
    return new Norm.RmsNorm(weight(name), form.epsilon());
  }

  private Linear linear(Role role) {
    return linear(names.require(role));
  }

  /// A matrix with the bias of its name, where there is one.
  private Linear linear(String name) {
    String bias = name.substring(0, name.length() - WEIGHT.length()) + BIAS;
    return new Linear(weight(name), weights.get(bias));
  }

  private Tensor weight(String name) {
    Tensor tensor = weights.get(name);
    if (tensor == null) {
      throw new IllegalStateException("tensor " + name + " was not loaded");
    }
    return tensor;
  }
}
