package dev.upcycle.kernels.norm;

import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Functions;
import dev.upcycle.kernels.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/// A normalisation of the last dimension, `[…, hidden]` to `[…, hidden]`.
public sealed interface Norm {
  /// Normalises and rescales.
  Tensor forward(Tensor x);

  /// Division by the root mean square (Zhang and Sennrich, arXiv 1910.07467), in float32, rounded
  /// to the input's type before the weight, as Llama's and Mistral's published code does.
  ///
  /// @param weight `[hidden]`
  /// @param epsilon added to the mean square
  record RmsNorm(Tensor weight, double epsilon) implements Norm {
    @Override
    public Tensor forward(Tensor x) {
      Tensor wide = x.to(DType.F32);
      Tensor scale = wide.square().meanKeeping(-1).plus(epsilon).rsqrt();
      return weight.times(wide.times(scale).to(x.dtype()));
    }
  }

  /// Subtraction of the mean and division by the standard deviation (Ba et al., arXiv 1607.06450).
  ///
  /// @param weight `[hidden]`
  /// @param bias `[hidden]`, or null for none
  /// @param epsilon added to the variance
  record LayerNorm(Tensor weight, @Nullable Tensor bias, double epsilon) implements Norm {
    @Override
    public Tensor forward(Tensor x) {
      return Functions.layerNorm(x, weight, bias, epsilon);
    }
  }
}
