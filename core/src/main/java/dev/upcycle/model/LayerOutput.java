package dev.upcycle.model;

import dev.upcycle.kernels.moe.Routing;
import dev.upcycle.kernels.tensor.Tensor;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// What one layer gives.
///
/// @param hidden `[batch, seq, hidden]`, the residual stream after the layer
/// @param feedForwardInput `[batch, seq, hidden]`, what its feed-forward network reads, and its
///   router where it has one
/// @param routing null in a dense layer
public record LayerOutput(Tensor hidden, Tensor feedForwardInput, @Nullable Routing routing) {
  /// The routing of a layer that has experts.
  public Optional<Routing> findRouting() {
    return Optional.ofNullable(routing);
  }
}
