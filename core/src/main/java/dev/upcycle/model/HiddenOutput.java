package dev.upcycle.model;

import dev.upcycle.kernels.tensor.Tensor;
import java.util.List;

/// What layers give.
///
/// @param hidden `[batch, seq, hidden]`; a decoder's is after the final norm
/// @param routings one per layer that has experts, in the order of layers
public record HiddenOutput(Tensor hidden, List<LayerRouting> routings) {
  /// Takes a copy.
  public HiddenOutput {
    routings = List.copyOf(routings);
  }
}
