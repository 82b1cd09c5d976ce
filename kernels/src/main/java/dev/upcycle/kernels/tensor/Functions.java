package dev.upcycle.kernels.tensor;

import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.StringViewOptional;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/// The functions that networks are made of.
public final class Functions {
  private Functions() {}

  /// `x · weightᵀ + bias` with `weight` `[out, in]`.
  public static Tensor linear(Tensor x, Tensor weight, @Nullable Tensor bias) {
    return Native.run(
        "linear",
        () ->
            bias == null
                ? torch.linear(x.handle(), weight.handle())
                : torch.linear(x.handle(), weight.handle(), bias.handle()));
  }

  /// Rows of a `[vocab, hidden]` table.
  public static Tensor embedding(Tensor table, Tensor ids) {
    return Native.run("embedding", () -> torch.embedding(table.handle(), ids.handle()));
  }

  /// `x · sigmoid(x)`.
  public static Tensor silu(Tensor x) {
    return Native.run("silu", () -> torch.silu(x.handle()));
  }

  /// Exact GELU, by the error function.
  public static Tensor gelu(Tensor x) {
    return Native.run("gelu", () -> torch.gelu(x.handle(), "none"));
  }

  /// GELU by its tanh approximation.
  public static Tensor geluTanh(Tensor x) {
    return Native.run("gelu", () -> torch.gelu(x.handle(), "tanh"));
  }

  public static Tensor sigmoid(Tensor x) {
    return Native.run("sigmoid", () -> torch.sigmoid(x.handle()));
  }

  public static Tensor tanh(Tensor x) {
    return Native.run("tanh", () -> torch.tanh(x.handle()));
  }

  public static Tensor relu(Tensor x) {
    return Native.run("relu", () -> torch.relu(x.handle()));
  }

  public static Tensor cosine(Tensor x) {
    return Native.run("cos", () -> x.handle().cos());
  }

  public static Tensor sine(Tensor x) {
    return Native.run("sin", () -> x.handle().sin());
  }

  /// The error function.
  public static Tensor erf(Tensor x) {
    return Native.run("erf", () -> x.handle().erf());
  }

  /// `log(1 + x)`.
  public static Tensor log1p(Tensor x) {
    return Native.run("log1p", () -> x.handle().log1p());
  }

  /// Softmax over the last dimension.
  public static Tensor softmax(Tensor x) {
    return Native.run("softmax", () -> torch.softmax(x.handle(), -1));
  }

  /// Logarithm of the softmax over the last dimension.
  public static Tensor logSoftmax(Tensor x) {
    return Native.run("log_softmax", () -> torch.log_softmax(x.handle(), -1));
  }

  /// Logarithm of the summed exponentials of the last dimension, which goes.
  public static Tensor logSumExp(Tensor x) {
    return Native.run("logsumexp", () -> torch.logsumexp(x.handle(), new long[] {-1}, false));
  }

  /// `base` raised to each exponent.
  public static Tensor power(double base, Tensor exponents) {
    return Native.run("pow", () -> torch.pow(Native.scalar(base), exponents.handle()));
  }

  /// Length of all elements as one vector, a float32 scalar.
  public static Tensor norm(Tensor x) {
    return Native.run(
        "norm", () -> x.handle().norm(new ScalarOptional(Native.scalar(2L)), ScalarType.Float));
  }

  /// Layer normalisation over the last dimension.
  public static Tensor layerNorm(Tensor x, Tensor weight, @Nullable Tensor bias, double epsilon) {
    return Native.run(
        "layer_norm",
        () ->
            torch.layer_norm(
                x.handle(),
                new long[] {x.size(-1)},
                Native.optional(weight),
                Native.optional(bias),
                epsilon,
                true));
  }

  /// Scaled dot-product attention; each key-value head serves `heads / kvHeads` query heads.
  ///
  /// @param inputs queries, keys and values
  /// @param sight what each query may look at
  /// @param scale factor of the products of query and key
  public static Tensor attention(AttentionInputs inputs, Sight sight, double scale) {
    return Native.run(
        "scaled_dot_product_attention",
        () ->
            inputs.query().device().isCpu()
                ? LibTorch.withoutBlasThreads(() -> attend(inputs, sight, scale))
                : attend(inputs, sight, scale));
  }

  private static org.bytedeco.pytorch.Tensor attend(
      AttentionInputs inputs, Sight sight, double scale) {
    return torch.scaled_dot_product_attention(
        inputs.query().handle(),
        inputs.key().handle(),
        inputs.value().handle(),
        sight instanceof Sight.Masked masked
            ? Native.optional(masked.mask())
            : new TensorOptional(),
        0.0,
        sight instanceof Sight.Causal,
        new DoubleOptional(scale),
        true);
  }

  /// Products of consecutive groups of rows with a matrix per group.
  ///
  /// In bfloat16 on GPUs of compute capability 9.0 and 10.0 nothing needs the groups' sizes on the
  /// host; elsewhere LibTorch copies `ends` there and waits. Rows must fill whole steps of 16
  /// bytes.
  ///
  /// @param rows `[n, in]`, sorted by group
  /// @param matrices `[groups, in, out]`
  /// @param ends where each group ends, `[groups]`, 32-bit
  public static Tensor groupedMatmul(Tensor rows, Tensor matrices, Tensor ends) {
    return Native.run(
        "_grouped_mm",
        () ->
            Native.boxed(
                "aten::_grouped_mm",
                new IValue(rows.handle()),
                new IValue(matrices.handle()),
                new IValue(ends.handle()),
                new IValue(),
                new IValue()));
  }

  /// For each value the number of sorted elements below it, 32-bit; does not wait for the device.
  public static Tensor countsBelow(Tensor sorted, Tensor values) {
    return Native.run(
        "searchsorted",
        () ->
            torch.searchsorted(
                sorted.handle(),
                values.handle(),
                true,
                false,
                new StringViewOptional(),
                new TensorOptional()));
  }

  /// `[images, channels, height, width]` resampled by cubic convolution, with a coefficient of
  /// -0.75 and without a filter against aliasing; pixels are areas, not points.
  public static Tensor bicubic(Tensor x, long height, long width) {
    return Native.run(
        "upsample_bicubic2d",
        () -> torch.upsample_bicubic2d(x.handle(), new long[] {height, width}, false));
  }

  /// A copy of `x` with the elements of `source`, in order, wherever the mask is true; the mask's
  /// dimensions of size 1 are repeated.
  public static Tensor maskedScatter(Tensor x, Tensor mask, Tensor source) {
    return Native.run(
        "masked_scatter", () -> torch.masked_scatter(x.handle(), mask.handle(), source.handle()));
  }
}
