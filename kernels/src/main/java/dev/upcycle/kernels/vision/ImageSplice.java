package dev.upcycle.kernels.vision;

import dev.upcycle.kernels.tensor.Functions;
import dev.upcycle.kernels.tensor.Tensor;

/// Puts the features of images into a text, in the places that a token id keeps free for them.
///
/// @param placeholder the id; a text has it once per feature
public record ImageSplice(long placeholder) {
  /// Replaces embeddings by features, in order.
  ///
  /// @param words `[batch, seq, hidden]`, embeddings of the ids
  /// @param ids `[batch, seq]`
  /// @param features `[images, patches, hidden]`
  /// @throws IllegalArgumentException when there are more or fewer features than places
  public Tensor into(Tensor words, Tensor ids, Tensor features) {
    Tensor places = ids.isEqualTo(placeholder);
    long free = places.nonzero().size(0);
    long given = features.elements() / features.size(-1);
    if (free != given) {
      throw new IllegalArgumentException(
          "the text keeps %d places free for images (id %d), the images have %d features"
              .formatted(free, placeholder, given));
    }
    return Functions.maskedScatter(words, places.unsqueeze(-1), features.to(words.dtype()));
  }
}
