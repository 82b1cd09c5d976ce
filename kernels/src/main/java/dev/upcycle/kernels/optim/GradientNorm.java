package dev.upcycle.kernels.optim;

import dev.upcycle.kernels.tensor.Functions;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.kernels.tensor.Tensors;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/// The length of all gradients as one vector.
public final class GradientNorm {
  private static final double EPSILON = 1e-6;

  private GradientNorm() {}

  /// Shortens the gradients together to at most `limit` and gives the length that they had; waits
  /// for the device.
  ///
  /// A length that is not finite leaves the gradients as they are: the caller decides what to do.
  public static double clip(Collection<Tensor> parameters, double limit) {
    double norm = of(parameters);
    double factor = factor(norm, limit);
    if (factor < 1) {
      try (TensorScope _ = TensorScope.open();
          Gradients.Pause _ = Gradients.pause()) {
        parameters.stream()
            .map(Gradients::find)
            .flatMap(Optional::stream)
            .forEach(gradient -> gradient.timesInPlace(factor));
      }
    }
    return norm;
  }

  /// The length, summed in float32; waits for the device.
  public static double of(Collection<Tensor> parameters) {
    try (TensorScope _ = TensorScope.open();
        Gradients.Pause _ = Gradients.pause()) {
      List<Tensor> norms =
          parameters.stream()
              .map(Gradients::find)
              .flatMap(Optional::stream)
              .map(Functions::norm)
              .toList();
      return norms.isEmpty() ? 0 : Functions.norm(Tensors.stack(norms, 0)).item();
    }
  }

  /// What to multiply gradients of this length by to shorten them to `limit`; 1 where they are
  /// shorter or not finite.
  public static double factor(double norm, double limit) {
    return Double.isFinite(norm) && norm > limit ? limit / (norm + EPSILON) : 1;
  }
}
