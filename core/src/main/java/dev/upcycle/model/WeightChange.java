package dev.upcycle.model;

import dev.upcycle.kernels.tensor.Tensor;

/// What a walk computes with in place of a weight of its checkpoint, such as a wrong expert for a
/// control.
@FunctionalInterface
public interface WeightChange {
  /// Every weight as it is stored.
  WeightChange NONE = (_, weight) -> weight;

  /// A tensor of the same shape; the weight itself must stay as it is.
  ///
  /// @param name what the family calls the weight
  Tensor of(String name, Tensor weight);
}
