package dev.upcycle.model;

import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.kernels.attention.AttentionPattern;
import dev.upcycle.kernels.attention.GroupedQueryAttention;
import dev.upcycle.kernels.attention.RotaryEmbedding;
import dev.upcycle.kernels.ffn.Activation;
import dev.upcycle.kernels.moe.Router;
import dev.upcycle.kernels.moe.Scoring;
import dev.upcycle.kernels.moe.Selection;
import dev.upcycle.kernels.moe.Weighting;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/// What a config says of a decoder beside its sizes, in the words of the kernels.
///
/// @param epsilon of all norms
/// @param activation of all feed-forward networks and experts
/// @param rotary the rotary embedding of all layers
/// @param attention heads and sight of each layer
/// @param router what every router does
record DecoderForm(
    double epsilon,
    Activation activation,
    RotaryEmbedding rotary,
    List<GroupedQueryAttention.Form> attention,
    Router.Form router) {

  static DecoderForm of(CheckpointBinding binding) {
    ModelConfig config = binding.config();
    int headDim = Math.toIntExact(binding.dimensions().headDim());
    return new DecoderForm(
        config
            .findDouble("rms_norm_eps")
            .orElseThrow(() -> bad(config, "rms_norm_eps", "a number")),
        activation(config),
        RotarySettings.of(config, binding.family().defaultRopeTheta(), headDim),
        attention(binding, headDim),
        router(binding));
  }

  private static Activation activation(ModelConfig config) {
    return switch (config.findString("hidden_act").orElse("silu")) {
      case "silu", "swish" -> Activation.SILU;
      case "gelu" -> Activation.GELU;
      case "gelu_pytorch_tanh", "gelu_new" -> Activation.GELU_TANH;
      case "quick_gelu" -> Activation.QUICK_GELU;
      default ->
          throw bad(config, "hidden_act", "one of silu, gelu, gelu_pytorch_tanh, quick_gelu");
    };
  }

  private static List<GroupedQueryAttention.Form> attention(
      CheckpointBinding binding, int headDim) {
    List<GroupedQueryAttention.Form> forms = new ArrayList<>();
    for (int layer = 0; layer < binding.dimensions().layers(); layer++) {
      OptionalLong window = binding.family().slidingWindow(binding.config(), layer);
      AttentionPattern pattern =
          window.isPresent()
              ? new AttentionPattern.SlidingWindow(window.getAsLong())
              : new AttentionPattern.Causal();
      forms.add(
          new GroupedQueryAttention.Form(
              Math.toIntExact(binding.dimensions().heads()),
              Math.toIntExact(binding.dimensions().kvHeads()),
              headDim,
              pattern));
    }
    return List.copyOf(forms);
  }

  private static Router.Form router(CheckpointBinding binding) {
    boolean renormalised = binding.family().renormalises(binding.config());
    double jitter = binding.config().findDouble("router_jitter_noise").orElse(0);
    return new Router.Form(
        new Scoring.SoftmaxOverAll(),
        new Selection.TokenChoice(binding.dimensions().expertsPerToken()),
        renormalised ? Weighting.RENORMALISED : Weighting.AS_SCORED,
        new Router.Refinement(0, jitter));
  }

  static CheckpointFormatException bad(ModelConfig config, String key, String expected) {
    return new CheckpointFormatException(
        CheckpointFault.BAD_CONFIG_VALUE,
        "%s in config.json is %s, expected %s".formatted(key, config.json().get(key), expected));
  }
}
