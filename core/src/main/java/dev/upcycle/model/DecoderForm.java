package dev.upcycle.model;

import dev.upcycle.kernels.attention.RotaryEmbedding;

/// What a config says of a decoder beside its sizes, in the words of the kernels.
///
/// @param layers norms, networks, attention and routers
/// @param rotary the rotary embedding of all layers
record DecoderForm(LayerForm layers, RotaryEmbedding rotary) {

  static DecoderForm of(CheckpointBinding binding) {
    return new DecoderForm(
        LayerForm.of(binding),
        RotarySettings.of(
            binding.config(),
            binding.family().defaultRopeTheta(),
            Math.toIntExact(binding.dimensions().headDim())));
  }
}
