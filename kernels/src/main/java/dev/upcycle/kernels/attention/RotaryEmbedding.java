package dev.upcycle.kernels.attention;

import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Device;
import dev.upcycle.kernels.tensor.Functions;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.Tensors;
import java.util.List;

/// Rotary position embedding (Su et al., arXiv 2104.09864) in Hugging Face's convention: dimension
/// `i` turns together with dimension `i + headDim / 2`.
public final class RotaryEmbedding {
  private final RopeFrequencies frequencies;

  /// @param headDim width of a head, even
  /// @param theta base of the frequencies
  public RotaryEmbedding(int headDim, double theta, RopeScaling scaling) {
    if (headDim <= 0 || headDim % 2 != 0) {
      throw new IllegalArgumentException("headDim must be even and positive, not " + headDim);
    }
    this.frequencies = RopeFrequencies.of(headDim, theta, scaling);
  }

  /// Cosines and sines for tokens at these positions, once per batch for all layers.
  public Rotation at(Device device, DType dtype, long... positions) {
    Tensor places = Tensors.of(positions).to(DType.F32).unsqueeze(1);
    Tensor inverse = Tensors.of(frequencies.inverse(), 1, frequencies.inverse().length);
    Tensor half = places.times(inverse);
    Tensor angles = Tensors.concat(List.of(half, half), -1);
    double factor = frequencies.attentionFactor();
    Tensor cosine = Functions.cosine(angles).times(factor).to(dtype).send(device);
    Tensor sine = Functions.sine(angles).times(factor).to(dtype).send(device);
    return new Rotation(cosine, sine, Tensors.of(positions).send(device));
  }

  /// The turn of each token's heads.
  ///
  /// @param cosine `[seq, headDim]`
  /// @param sine `[seq, headDim]`
  /// @param positions `[seq]`, 64-bit
  public record Rotation(Tensor cosine, Tensor sine, Tensor positions) {
    /// Turns `[batch, heads, seq, headDim]`.
    public Tensor apply(Tensor x) {
      long half = x.size(-1) / 2;
      List<Tensor> halves = x.split(-1, half, half);
      Tensor turned = Tensors.concat(List.of(halves.get(1).negated(), halves.get(0)), -1);
      return x.times(cosine).plus(turned.times(sine));
    }
  }
}
