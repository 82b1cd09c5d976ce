package dev.upcycle.kernels;

import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Tensor;

/// The house's measure of agreement.
public final class Closeness {
  private Closeness() {}

  /// `max|a - b| / max|a|`, in float32.
  public static double relativeError(Tensor a, Tensor b) {
    Tensor wide = a.to(DType.F32);
    return wide.minus(b.to(DType.F32)).abs().max().item() / wide.abs().max().item();
  }
}
