package dev.upcycle.kernels.vision;

import dev.upcycle.kernels.ffn.Linear;
import dev.upcycle.kernels.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/// How well images and texts match (CLIP, Radford et al., arXiv 2103.00020; SigLIP, Zhai et al.,
/// arXiv 2303.15343).
///
/// @param image `[projection, hidden of the vision tower]`; null where the tower's own head maps
/// @param text `[projection, hidden of the text tower]`; null likewise
/// @param scale of all cosines
public record ContrastiveHead(@Nullable Linear image, @Nullable Linear text, Scale scale) {
  /// What becomes of cosines.
  ///
  /// @param logFactor logarithm of the factor of all of them, one number
  /// @param bias added to all of them, one number; null in a CLIP
  public record Scale(Tensor logFactor, @Nullable Tensor bias) {}

  /// Vectors of length 1, `[images, projection]`.
  public Tensor embedImages(Tensor pooled) {
    return unit(image == null ? pooled : image.forward(pooled));
  }

  /// Vectors of length 1, `[texts, projection]`.
  public Tensor embedTexts(Tensor pooled) {
    return unit(text == null ? pooled : text.forward(pooled));
  }

  /// Scaled cosines, `[images, texts]`.
  ///
  /// @param images what [#embedImages] gave
  /// @param texts what [#embedTexts] gave
  public Tensor logits(Tensor images, Tensor texts) {
    Tensor scaled = images.matmul(texts.transpose(0, 1)).times(scale.logFactor().exp());
    return scale.bias() == null ? scaled : scaled.plus(scale.bias());
  }

  private static Tensor unit(Tensor vectors) {
    return vectors.over(vectors.square().sumKeeping(-1).sqrt());
  }
}
