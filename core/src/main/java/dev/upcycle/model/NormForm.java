package dev.upcycle.model;

import dev.upcycle.arch.Role;
import dev.upcycle.checkpoint.ModelConfig;

/// Which norm a model has everywhere.
///
/// @param kind what it divides by
/// @param epsilon in the root
record NormForm(Kind kind, double epsilon) {
  /// What a norm does.
  enum Kind {
    /// Divides by the root mean square.
    RMS,
    /// Subtracts the mean and divides by the deviation; most have a bias.
    LAYER
  }

  static NormForm of(CheckpointBinding binding) {
    return binding.family().has(Role.NORM_BIAS)
        ? new NormForm(Kind.LAYER, epsilon(binding.config(), "layer_norm_eps"))
        : new NormForm(Kind.RMS, epsilon(binding.config(), "rms_norm_eps"));
  }

  private static double epsilon(ModelConfig config, String key) {
    double epsilon = ConfigWords.number(config, key);
    if (epsilon < 0) {
      throw ConfigWords.bad(config, key, "a number from 0");
    }
    return epsilon;
  }
}
