package dev.upcycle.evaluate;

import dev.upcycle.recipe.Part;

/// How a layer's tokens are shared among its experts, those of images and those of texts apart.
///
/// @param part that the layer is in
/// @param image of patches, class tokens and their features
/// @param text of words; nothing in an image tower and in a connector
public record ModalLoad(Part part, ExpertLoad image, ExpertLoad text) {
  /// Refuses loads of two layers.
  public ModalLoad {
    if (image.layer() != text.layer()) {
      throw new IllegalArgumentException("loads of different layers: " + image + ", " + text);
    }
  }

  /// Index of the layer in its part.
  public int layer() {
    return image.layer();
  }
}
