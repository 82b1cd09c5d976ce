package dev.upcycle.arch;

import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.ModelConfig;

/// What is added in the root of a family's norms.
public final class NormEpsilon {
  private NormEpsilon() {}

  /// Reads a config.
  ///
  /// @param complete the config, the family's defaults filled in
  /// @throws CheckpointFormatException when it is absent, no number or negative
  public static double of(Architecture family, ModelConfig complete) {
    String key = family.has(Role.NORM_BIAS) ? "layer_norm_eps" : "rms_norm_eps";
    return complete.findDouble(key).stream()
        .filter(epsilon -> epsilon >= 0)
        .findFirst()
        .orElseThrow(() -> Complaint.of(key, complete, "a number from 0"));
  }
}
