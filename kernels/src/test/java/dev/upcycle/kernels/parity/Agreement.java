package dev.upcycle.kernels.parity;

import dev.upcycle.kernels.Closeness;
import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Device;
import dev.upcycle.kernels.tensor.Tensor;
import java.util.Arrays;
import java.util.List;

/// How far two runs of a case are apart. The bounds are reasoned in PRECISION.md.
final class Agreement {
  private static final double WIDE_BOUND = 1e-5;
  private static final double REDUCED_BOUND = 3e-2;

  private Agreement() {}

  static double bound(DType dtype) {
    return dtype.isReduced() ? REDUCED_BOUND : WIDE_BOUND;
  }

  /// The largest relative error of any result; infinite where shapes, types or zeros differ, NaN
  /// where a number is not finite.
  static double worst(List<Tensor> expected, List<Tensor> actual) {
    if (expected.isEmpty() || expected.size() != actual.size()) {
      return Double.POSITIVE_INFINITY;
    }
    double worst = 0;
    for (int i = 0; i < expected.size(); i++) {
      worst = Math.max(worst, error(expected.get(i), actual.get(i).to(Device.CPU)));
    }
    return worst;
  }

  private static double error(Tensor expected, Tensor actual) {
    boolean alike =
        expected.dtype() == actual.dtype() && Arrays.equals(expected.shape(), actual.shape());
    if (!alike) {
      return Double.POSITIVE_INFINITY;
    }
    return expected.isEqualTo(actual) ? 0 : Closeness.relativeError(expected, actual);
  }
}
