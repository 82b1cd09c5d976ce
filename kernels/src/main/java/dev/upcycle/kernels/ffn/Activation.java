package dev.upcycle.kernels.ffn;

import dev.upcycle.kernels.tensor.Functions;
import dev.upcycle.kernels.tensor.Tensor;

/// The function between the projections of a feed-forward network.
public enum Activation {
  /// `x · sigmoid(x)`.
  SILU,
  /// Exact GELU.
  GELU,
  /// GELU's tanh approximation.
  GELU_TANH,
  /// `x · sigmoid(1.702 x)`, as CLIP was trained with.
  QUICK_GELU,
  /// The hyperbolic tangent, of ViT's pooler.
  TANH;

  private static final double QUICK_GELU_SLOPE = 1.702;

  /// Applies the function to every element.
  public Tensor apply(Tensor x) {
    return switch (this) {
      case SILU -> Functions.silu(x);
      case GELU -> Functions.gelu(x);
      case GELU_TANH -> Functions.geluTanh(x);
      case QUICK_GELU -> x.times(Functions.sigmoid(x.times(QUICK_GELU_SLOPE)));
      case TANH -> Functions.tanh(x);
    };
  }
}
