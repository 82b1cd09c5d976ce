package dev.upcycle.model;

import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.kernels.ffn.Activation;

/// Words of configs in the terms of the kernels.
final class ConfigWords {
  private ConfigWords() {}

  /// The activation under a key.
  static Activation activation(ModelConfig config, String key, String otherwise) {
    return switch (config.findString(key).orElse(otherwise)) {
      case "silu", "swish" -> Activation.SILU;
      case "gelu" -> Activation.GELU;
      case "gelu_pytorch_tanh", "gelu_new" -> Activation.GELU_TANH;
      case "quick_gelu" -> Activation.QUICK_GELU;
      case "tanh" -> Activation.TANH;
      default -> throw bad(config, key, "one of silu, gelu, gelu_pytorch_tanh, quick_gelu, tanh");
    };
  }

  static CheckpointFormatException bad(ModelConfig config, String key, String expected) {
    return new CheckpointFormatException(
        CheckpointFault.BAD_CONFIG_VALUE,
        "%s: %s is %s, expected %s"
            .formatted(config.origin(), key, config.json().get(key), expected));
  }
}
