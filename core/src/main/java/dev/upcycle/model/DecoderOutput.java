package dev.upcycle.model;

import dev.upcycle.kernels.tensor.Tensor;
import java.util.List;

/// What a decoder gives.
///
/// @param logits `[batch, seq, vocab]`, in the model's type
/// @param routings one per layer that has experts, in the order of layers
public record DecoderOutput(Tensor logits, List<LayerRouting> routings) {
  /// Takes a copy.
  public DecoderOutput {
    routings = List.copyOf(routings);
  }
}
