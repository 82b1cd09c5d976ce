package dev.upcycle.model;

import dev.upcycle.kernels.tensor.Tensor;
import java.util.List;

/// What a decoder gives before its head.
///
/// @param hidden `[batch, seq, hidden]`, after the final norm
/// @param routings one per layer that has experts, in the order of layers
public record HiddenOutput(Tensor hidden, List<LayerRouting> routings) {
  /// Takes a copy.
  public HiddenOutput {
    routings = List.copyOf(routings);
  }
}
