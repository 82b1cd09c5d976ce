package dev.upcycle.model;

import dev.upcycle.arch.NormEpsilon;
import dev.upcycle.arch.Role;

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
    Kind kind = binding.family().has(Role.NORM_BIAS) ? Kind.LAYER : Kind.RMS;
    return new NormForm(kind, NormEpsilon.of(binding.family(), binding.config()));
  }
}
