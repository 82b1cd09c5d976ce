package dev.upcycle.function;

import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import java.util.function.UnaryOperator;

/// What both models make of the same inputs, tensors of one shape; owns them until it is closed.
record States(Tensor dense, Tensor target, TensorScope memory) implements AutoCloseable {
  static States of(Tensor dense, Tensor target) {
    TensorScope memory = TensorScope.detached();
    return new States(memory.hold(dense), memory.hold(target), memory);
  }

  /// Computes the beginning of a walk.
  static States of(UnaryOperator<Tensor> dense, UnaryOperator<Tensor> target, Tensor input) {
    try (TensorScope _ = TensorScope.open()) {
      return of(dense.apply(input), target.apply(input));
    }
  }

  @Override
  public void close() {
    memory.close();
  }
}
