package dev.upcycle.model;

import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.checkpoint.RopeSettings;
import dev.upcycle.kernels.attention.RopeScaling;
import dev.upcycle.kernels.attention.RotaryEmbedding;
import java.util.List;
import java.util.OptionalDouble;

/// The rotary embedding that a config describes in either spelling.
final class RotarySettings {
  /// Parameters that change the rotation in ways that are not built.
  private static final List<String> UNKNOWN =
      List.of("partial_rotary_factor", "mscale", "mscale_all_dim", "truncate");

  private static final double BETA_FAST = 32;
  private static final double BETA_SLOW = 1;

  private final String type;
  private final ModelConfig parameters;
  private final ModelConfig config;

  private RotarySettings(RopeSettings settings, ModelConfig config) {
    this.type = settings.type();
    this.parameters =
        ModelConfig.of(settings.scaling().orElseGet(() -> config.json().objectNode()));
    this.config = config;
  }

  static RotaryEmbedding of(ModelConfig config, double defaultTheta, int headDim) {
    RopeSettings settings = config.rope(defaultTheta);
    RotarySettings own = new RotarySettings(settings, config);
    return new RotaryEmbedding(headDim, settings.theta(), own.scaling());
  }

  private RopeScaling scaling() {
    for (String key : UNKNOWN) {
      boolean neutral =
          key.equals("partial_rotary_factor") && parameters.findDouble(key).orElse(1) == 1;
      if (parameters.has(key) && !neutral) {
        throw fault("has '%s', which is not built".formatted(key));
      }
    }
    return switch (type) {
      case "default" -> new RopeScaling.Unscaled();
      case "linear" -> new RopeScaling.LinearScaling(require("factor"));
      case "llama3" ->
          new RopeScaling.Llama3(
              require("factor"),
              require("low_freq_factor"),
              require("high_freq_factor"),
              originalPositions());
      case "yarn" -> yarn();
      default -> throw fault("is of the type '%s', which is not built".formatted(type));
    };
  }

  /// The factor is the one stated, whatever the positions say, as transformers 4.57.6 and 5.23 have
  /// it; where it is null, 5.23 takes the ratio of the positions, and 4.57.6 fails.
  private RopeScaling yarn() {
    OptionalDouble attention = parameters.findDouble("attention_factor");
    return new RopeScaling.Yarn(
        parameters.findDouble("factor").orElseGet(this::ratio),
        originalPositions(),
        parameters.findDouble("beta_fast").orElse(BETA_FAST),
        parameters.findDouble("beta_slow").orElse(BETA_SLOW),
        attention.isPresent() ? attention.getAsDouble() : null);
  }

  private double ratio() {
    if (!parameters.json().has("factor")
        || parameters.findLong("original_max_position_embeddings").isEmpty()) {
      return require("factor");
    }
    return config.requireLong("max_position_embeddings") / (double) originalPositions();
  }

  private long originalPositions() {
    return parameters
        .findLong("original_max_position_embeddings")
        .orElseGet(() -> config.requireLong("max_position_embeddings"));
  }

  private double require(String key) {
    return parameters
        .findDouble(key)
        .orElseThrow(() -> fault("of the type '%s' lacks '%s'".formatted(type, key)));
  }

  private static CheckpointFormatException fault(String what) {
    return new CheckpointFormatException(
        CheckpointFault.BAD_CONFIG_VALUE,
        "the rotary embedding in config.json (rope_scaling or rope_parameters) "
            + what
            + "; expected default, linear, llama3 or yarn");
  }
}
