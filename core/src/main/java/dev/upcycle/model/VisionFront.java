package dev.upcycle.model;

import dev.upcycle.arch.Role;
import dev.upcycle.kernels.norm.Norm;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.vision.ImageEmbedding;
import dev.upcycle.kernels.vision.PatchEmbedding;
import org.jspecify.annotations.Nullable;

/// What precedes the first layer of a vision tower.
///
/// @param embedding patches, class token and positions
/// @param norm CLIP's before the first layer; null where there is none
record VisionFront(ImageEmbedding embedding, @Nullable Norm norm) {
  static VisionFront of(CheckpointBinding binding, LayerForm form, WeightTable weights) {
    CheckpointBinding.Names frame = binding.frame();
    PatchEmbedding patches =
        new PatchEmbedding(
            weights.require(frame.require(Role.PATCH_EMBEDDING)),
            frame.find(Role.PATCH_BIAS).map(weights::require).orElse(null));
    ImageEmbedding embedding =
        new ImageEmbedding(
            patches,
            frame.find(Role.CLASS_EMBEDDING).map(weights::require).orElse(null),
            weights.require(frame.require(Role.POSITION_EMBEDDING)));
    return new VisionFront(
        embedding,
        frame.find(Role.PRE_NORM).map(name -> weights.norm(name, form.norm())).orElse(null));
  }

  /// Prepared pixels `[images, channels, height, width]` to `[images, places, hidden]`.
  Tensor forward(Tensor pixels, ModelOptions options) {
    Tensor places = embedding.forward(pixels.to(options.compute()).to(options.device()));
    return norm == null ? places : norm.forward(places);
  }
}
