package dev.upcycle.kernels.optim;

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
    try (TensorScope _ = TensorScope.open();
        Gradients.Pause _ = Gradients.pause()) {
      List<Tensor> gradients =
          parameters.stream().map(Gradients::find).flatMap(Optional::stream).toList();
      if (gradients.isEmpty()) {
        return 0;
      }
      List<Tensor> squares = gradients.stream().map(gradient -> gradient.square().sum()).toList();
      double norm = Math.sqrt(Tensors.stack(squares, 0).sum().item());
      if (Double.isFinite(norm) && norm > limit) {
        gradients.forEach(gradient -> gradient.timesInPlace(limit / (norm + EPSILON)));
      }
      return norm;
    }
  }
}
