package dev.upcycle.model;

import dev.upcycle.arch.Role;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.kernels.attention.AttentionPattern;
import dev.upcycle.kernels.attention.GroupedQueryAttention;
import dev.upcycle.kernels.ffn.Activation;
import dev.upcycle.kernels.moe.Router;
import dev.upcycle.kernels.moe.Scoring;
import dev.upcycle.kernels.moe.Selection;
import dev.upcycle.kernels.moe.Weighting;
import dev.upcycle.recipe.Part;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/// What a config says of layers beside their sizes, in the words of the kernels.
///
/// @param norm of all layers
/// @param activation of all feed-forward networks and experts
/// @param attention heads and sight of each layer
/// @param router what every router does
record LayerForm(
    NormForm norm,
    Activation activation,
    List<GroupedQueryAttention.Form> attention,
    Router.Form router) {

  static LayerForm of(CheckpointBinding binding) {
    return new LayerForm(
        NormForm.of(binding), activation(binding.config()), attention(binding), router(binding));
  }

  static Activation activation(ModelConfig config) {
    return ConfigWords.activation(config, "hidden_act", "silu");
  }

  private static List<GroupedQueryAttention.Form> attention(CheckpointBinding binding) {
    List<GroupedQueryAttention.Form> forms = new ArrayList<>();
    for (int layer = 0; layer < binding.dimensions().layers(); layer++) {
      forms.add(
          new GroupedQueryAttention.Form(
              Math.toIntExact(binding.dimensions().heads()),
              Math.toIntExact(binding.dimensions().kvHeads()),
              Math.toIntExact(binding.dimensions().headDim()),
              pattern(binding, layer)));
    }
    return List.copyOf(forms);
  }

  private static AttentionPattern pattern(CheckpointBinding binding, int layer) {
    // A text tower that ends in a head of its own is SigLIP's, which sees all of a text.
    boolean seesAll =
        binding.family().part().equals(Optional.of(Part.VISION)) || binding.family().has(Role.HEAD);
    if (seesAll) {
      return new AttentionPattern.Bidirectional();
    }
    OptionalLong window = binding.family().slidingWindow(binding.config(), layer);
    return window.isPresent()
        ? new AttentionPattern.SlidingWindow(window.getAsLong())
        : new AttentionPattern.Causal();
  }

  static Router.Form router(CheckpointBinding binding) {
    boolean renormalised = binding.family().renormalises(binding.config());
    double jitter = binding.config().findDouble("router_jitter_noise").orElse(0);
    return new Router.Form(
        scoring(binding.config()),
        new Selection.TokenChoice(binding.dimensions().expertsPerToken()),
        renormalised ? Weighting.RENORMALISED : Weighting.AS_SCORED,
        new Router.Refinement(0, jitter, Router.Reach.LAYER));
  }

  private static Scoring scoring(ModelConfig config) {
    return switch (config.findString("router_numerics").orElse("float32")) {
      case "float32" -> new Scoring.SoftmaxOverAll();
      case "cumo" -> new Scoring.RoundedSoftmax();
      default -> throw ConfigWords.bad(config, "router_numerics", "float32 or cumo");
    };
  }
}
