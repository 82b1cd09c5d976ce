package dev.upcycle.function;

import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;

/// What both models make of the same inputs, tensors of one shape; owns them until it is closed.
///
/// @param perturbed what the dense model makes of them when each of its layers errs as much as is
///   admitted of one
record States(Tensor dense, Tensor target, Tensor perturbed, TensorScope memory)
    implements AutoCloseable {
  static States of(Tensor dense, Tensor target, Tensor perturbed) {
    TensorScope memory = TensorScope.detached();
    return new States(memory.hold(dense), memory.hold(target), memory.hold(perturbed), memory);
  }

  /// As they are, before the ends of both models are applied.
  Views<Tensor> views() {
    return new Views<>(dense, dense, target, perturbed);
  }

  @Override
  public void close() {
    memory.close();
  }
}
