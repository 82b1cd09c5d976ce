package dev.upcycle.model;

import dev.upcycle.arch.Role;
import dev.upcycle.kernels.attention.AttentionPattern;
import dev.upcycle.kernels.attention.GroupedQueryAttention;
import dev.upcycle.kernels.ffn.Activation;
import dev.upcycle.kernels.ffn.FeedForward;
import dev.upcycle.kernels.ffn.Linear;
import dev.upcycle.kernels.norm.Norm;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.vision.AttentionPool;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// What follows the last layer of a vision tower.
sealed interface VisionHead {
  /// CLIP's: the norm is over the class token alone.
  record ClassNorm(Norm norm) implements VisionHead {}

  /// SigLIP's: a norm over all places, then one learned query that looks at them.
  ///
  /// @param pool null where the tower has none
  record Pool(Norm norm, @Nullable AttentionPool pool) implements VisionHead {}

  /// A ViT's that classifies by the class token, or that has no head.
  ///
  /// @param map to classes; null where the tower has none
  record Classifier(Norm norm, @Nullable Linear map) implements VisionHead {}

  /// A ViT's that pools: the class token, mapped and bent.
  record Pooler(Norm norm, Linear map, Activation activation) implements VisionHead {}

  /// CuMo's tower has none: its last layer's states are never used.
  record Missing() implements VisionHead {}

  /// Applies the head to what the last layer gives, `[images, places, hidden]`.
  default VisionOutput apply(HiddenOutput output) {
    Tensor hidden = output.hidden();
    return switch (this) {
      case Missing() -> new VisionOutput(hidden, null, output.routings());
      case ClassNorm(Norm norm) ->
          new VisionOutput(hidden, norm.forward(first(hidden)), output.routings());
      case Pool(Norm norm, AttentionPool pool) -> {
        Tensor normed = norm.forward(hidden);
        yield new VisionOutput(
            normed, pool == null ? null : pool.forward(normed), output.routings());
      }
      case Classifier(Norm norm, Linear map) -> {
        Tensor normed = norm.forward(hidden);
        yield new VisionOutput(
            normed, map == null ? null : map.forward(first(normed)), output.routings());
      }
      case Pooler(Norm norm, Linear map, Activation activation) -> {
        Tensor normed = norm.forward(hidden);
        yield new VisionOutput(
            normed, activation.apply(map.forward(first(normed))), output.routings());
      }
    };
  }

  private static Tensor first(Tensor hidden) {
    return hidden.narrow(1, 0, 1).squeeze(1);
  }

  /// The head that a tower's tensors make.
  static VisionHead of(CheckpointBinding binding, LayerForm form, WeightTable weights) {
    if (binding.frame().find(Role.FINAL_NORM).isEmpty()) {
      return new Missing();
    }
    Norm norm = weights.norm(binding.frame().require(Role.FINAL_NORM), form.norm());
    if (binding.frame().find(Role.PRE_NORM).isPresent()) {
      return new ClassNorm(norm);
    }
    HeadTensors tensors = new HeadTensors(binding.frame().all(Role.HEAD), weights);
    if (binding.frame().find(Role.CLASS_EMBEDDING).isEmpty()) {
      return new Pool(norm, tensors.pool(binding, form));
    }
    Linear pooler = tensors.linear("pooler.dense.weight");
    return pooler == null
        ? new Classifier(norm, tensors.linear("classifier.weight"))
        : new Pooler(norm, pooler, ConfigWords.activation(binding.config(), "pooler_act", "tanh"));
  }

  /// The tensors of a head by the ends of their names.
  record HeadTensors(List<String> names, WeightTable weights) {
    private Optional<String> find(String end) {
      return names.stream().filter(name -> name.endsWith(end)).findFirst();
    }

    private Tensor require(String end) {
      return weights.require(find(end).orElseThrow(() -> new IllegalStateException(end)));
    }

    @Nullable Linear linear(String end) {
      return find(end).map(weights::linear).orElse(null);
    }

    private Linear required(String end) {
      return weights.linear(find(end).orElseThrow(() -> new IllegalStateException(end)));
    }

    @Nullable AttentionPool pool(CheckpointBinding binding, LayerForm form) {
      if (find("head.probe").isEmpty()) {
        return null;
      }
      String norm = find("head.layernorm.weight").orElseThrow();
      return new AttentionPool(
          require("head.probe"),
          attention(binding),
          weights.norm(norm, form.norm()),
          new FeedForward.TwoLayer(
              required("head.mlp.fc1.weight"), required("head.mlp.fc2.weight"), form.activation()));
    }

    private GroupedQueryAttention attention(CheckpointBinding binding) {
      long hidden = binding.dimensions().hidden();
      int heads = Math.toIntExact(binding.dimensions().heads());
      List<Tensor> matrices = require("in_proj_weight").split(0, hidden, hidden, hidden);
      List<Tensor> biases = require("in_proj_bias").split(0, hidden, hidden, hidden);
      return new GroupedQueryAttention(
          new GroupedQueryAttention.Form(
              heads,
              heads,
              Math.toIntExact(binding.dimensions().headDim()),
              new AttentionPattern.Bidirectional()),
          new GroupedQueryAttention.Projections(
              new Linear(matrices.get(0), biases.get(0)),
              new Linear(matrices.get(1), biases.get(1)),
              new Linear(matrices.get(2), biases.get(2)),
              required("attention.out_proj.weight")),
          null,
          null);
    }
  }
}
