package dev.upcycle.kernels.ffn;

import dev.upcycle.kernels.tensor.Functions;
import dev.upcycle.kernels.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/// A linear map of the last dimension.
///
/// @param weight `[out, in]`
/// @param bias `[out]`, or null for none
public record Linear(Tensor weight, @Nullable Tensor bias) {
  /// A map without a bias.
  public static Linear of(Tensor weight) {
    return new Linear(weight, null);
  }

  /// `[…, in]` to `[…, out]`.
  public Tensor forward(Tensor x) {
    return Functions.linear(x, weight, bias);
  }
}
