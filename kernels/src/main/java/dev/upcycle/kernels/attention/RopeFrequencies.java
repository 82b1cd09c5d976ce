package dev.upcycle.kernels.attention;

import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Device;
import dev.upcycle.kernels.tensor.Functions;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.kernels.tensor.Tensors;

/// Angular frequencies per pair of dimensions, and the factor of cosines and sines.
///
/// All in float32, in the order of operations of the published code, so that angles at far
/// positions agree.
final class RopeFrequencies {
  private final float[] inverse;
  private final double attentionFactor;

  private RopeFrequencies(float[] inverse, double attentionFactor) {
    this.inverse = inverse;
    this.attentionFactor = attentionFactor;
  }

  /// Radians per position, `headDim / 2` of them.
  float[] inverse() {
    return inverse.clone();
  }

  /// Factor of cosines and sines.
  double attentionFactor() {
    return attentionFactor;
  }

  static RopeFrequencies of(int headDim, double theta, RopeScaling scaling) {
    float[] base = base(headDim, theta);
    return switch (scaling) {
      case RopeScaling.Unscaled _ -> new RopeFrequencies(base, 1);
      case RopeScaling.LinearScaling linear ->
          new RopeFrequencies(divided(base, (float) linear.factor()), 1);
      case RopeScaling.Llama3 llama3 -> new RopeFrequencies(llama3(base, llama3), 1);
      case RopeScaling.Yarn yarn ->
          new RopeFrequencies(yarn(base, theta, yarn), attentionFactor(yarn));
    };
  }

  private static float[] base(int headDim, double theta) {
    try (TensorScope _ = TensorScope.open()) {
      Tensor even = Tensors.range(headDim / 2, Device.CPU).to(DType.F32).times(2);
      return Functions.power(theta, even.over(headDim)).reciprocal().toFloats();
    }
  }

  private static float[] divided(float[] base, float factor) {
    float[] result = base.clone();
    for (int i = 0; i < result.length; i++) {
      result[i] /= factor;
    }
    return result;
  }

  private static float[] llama3(float[] base, RopeScaling.Llama3 scaling) {
    float factor = (float) scaling.factor();
    float positions = scaling.originalPositions();
    float low = (float) scaling.lowFrequency();
    float high = (float) scaling.highFrequency();
    float[] result = base.clone();
    for (int i = 0; i < result.length; i++) {
      float wavelength = (float) (2 * Math.PI) / base[i];
      if (wavelength > positions / low) {
        result[i] = base[i] / factor;
      } else if (wavelength >= positions / high) {
        float smooth = (positions / wavelength - low) / (high - low);
        result[i] = (1 - smooth) * base[i] / factor + smooth * base[i];
      }
    }
    return result;
  }

  private static float[] yarn(float[] base, double theta, RopeScaling.Yarn scaling) {
    int pairs = base.length;
    double low = Math.max(Math.floor(correction(scaling.betaFast(), pairs, theta, scaling)), 0);
    double high =
        Math.min(Math.ceil(correction(scaling.betaSlow(), pairs, theta, scaling)), 2.0 * pairs - 1);
    double width = low == high ? 0.001 : high - low;
    float factor = (float) scaling.factor();
    float[] result = base.clone();
    for (int i = 0; i < pairs; i++) {
      float divide = (float) Math.clamp((i - low) / width, 0, 1);
      float keep = 1 - divide;
      result[i] = base[i] / factor * (1 - keep) + base[i] * keep;
    }
    return result;
  }

  /// The pair of dimensions that turns this often over the original positions (YaRN, eq. 10).
  private static double correction(
      double rotations, int pairs, double theta, RopeScaling.Yarn scaling) {
    return pairs
        * Math.log(scaling.originalPositions() / (rotations * 2 * Math.PI))
        / Math.log(theta);
  }

  private static double attentionFactor(RopeScaling.Yarn scaling) {
    Double stated = scaling.attentionFactor();
    if (stated != null) {
      return stated;
    }
    return scaling.factor() <= 1 ? 1 : 0.1 * Math.log(scaling.factor()) + 1;
  }
}
