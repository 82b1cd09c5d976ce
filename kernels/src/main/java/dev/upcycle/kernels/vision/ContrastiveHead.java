package dev.upcycle.kernels.vision;

import dev.upcycle.kernels.ffn.Linear;
import dev.upcycle.kernels.tensor.Tensor;

/// How well images and texts match (CLIP, Radford et al., arXiv 2103.00020).
///
/// @param image `[projection, hidden of the vision tower]`
/// @param text `[projection, hidden of the text tower]`
/// @param logScale logarithm of the factor of all cosines, one number
public record ContrastiveHead(Linear image, Linear text, Tensor logScale) {
  /// Vectors of length 1, `[images, projection]`.
  public Tensor embedImages(Tensor pooled) {
    return unit(image.forward(pooled));
  }

  /// Vectors of length 1, `[texts, projection]`.
  public Tensor embedTexts(Tensor pooled) {
    return unit(text.forward(pooled));
  }

  /// Scaled cosines, `[images, texts]`.
  ///
  /// @param images what [#embedImages] gave
  /// @param texts what [#embedTexts] gave
  public Tensor logits(Tensor images, Tensor texts) {
    return images.matmul(texts.transpose(0, 1)).times(logScale.exp());
  }

  private static Tensor unit(Tensor vectors) {
    return vectors.over(vectors.square().sumKeeping(-1).sqrt());
  }
}
