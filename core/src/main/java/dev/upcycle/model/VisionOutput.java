package dev.upcycle.model;

import dev.upcycle.kernels.tensor.Tensor;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// What a vision tower gives.
///
/// @param hidden `[images, places, hidden]`, after the final norm where the family has one over all
///   places; CLIP has not
/// @param pooled `[images, hidden]`, or `[images, labels]` of a tower that classifies; null where
///   the tower has no head
/// @param routings one per layer that has experts, in the order of layers
public record VisionOutput(Tensor hidden, @Nullable Tensor pooled, List<LayerRouting> routings) {
  /// Takes a copy.
  public VisionOutput {
    routings = List.copyOf(routings);
  }

  /// One vector per image, where the tower has a head.
  public Optional<Tensor> findPooled() {
    return Optional.ofNullable(pooled);
  }
}
