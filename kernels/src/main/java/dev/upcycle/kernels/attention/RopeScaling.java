package dev.upcycle.kernels.attention;

import org.jspecify.annotations.Nullable;

/// How rotary frequencies are stretched to positions beyond those of pretraining.
public sealed interface RopeScaling {
  /// Not at all.
  record Unscaled() implements RopeScaling {}

  /// Positions divided by a factor (Chen et al., arXiv 2306.15595).
  record LinearScaling(double factor) implements RopeScaling {}

  /// Low frequencies divided, high ones kept, a ramp between them (Llama 3.1's model card).
  ///
  /// @param lowFrequency wavelengths above `originalPositions / lowFrequency` are divided
  /// @param highFrequency wavelengths below `originalPositions / highFrequency` are kept
  record Llama3(double factor, double lowFrequency, double highFrequency, long originalPositions)
      implements RopeScaling {}

  /// A ramp over dimensions, and a temperature of attention (YaRN, arXiv 2309.00071).
  ///
  /// @param betaFast rotations above which a dimension is kept
  /// @param betaSlow rotations below which a dimension is divided
  /// @param attentionFactor of cosines and sines; null is `0.1 · ln(factor) + 1`
  record Yarn(
      double factor,
      long originalPositions,
      double betaFast,
      double betaSlow,
      @Nullable Double attentionFactor)
      implements RopeScaling {
    /// The paper's betas, 32 and 1, and its attention factor.
    public static Yarn of(double factor, long originalPositions) {
      return new Yarn(factor, originalPositions, 32, 1, null);
    }
  }
}
