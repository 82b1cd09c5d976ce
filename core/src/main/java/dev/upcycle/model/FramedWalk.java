package dev.upcycle.model;

import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.kernels.tensor.TensorScope;
import java.util.List;
import java.util.function.BiFunction;

/// A tower's layers, walked one at a time, and the tensors that stand before and behind them, in
/// memory only while something is computed with them.
final class FramedWalk {
  private final BorrowedWeights weights;
  private final LayerForm form;
  private final StackWalk stack;

  FramedWalk(CheckpointBinding binding, ModelOptions options) {
    this.weights = new BorrowedWeights(binding, options);
    this.form = LayerForm.of(binding);
    this.stack = new StackWalk(weights, form, null);
  }

  StackWalk stack() {
    return stack;
  }

  BorrowedWeights weights() {
    return weights;
  }

  CheckpointBinding binding() {
    return weights.binding();
  }

  LayerForm form() {
    return form;
  }

  /// The config, the family's defaults filled in.
  ModelConfig config() {
    return binding().config();
  }

  /// Computes with some of the tensors that belong to no layer.
  ///
  /// @param use keeps in its scope what shall outlive it
  <T> T with(List<String> names, BiFunction<WeightTable, TensorScope, T> use) {
    return weights.with(names, WeightChange.NONE, use);
  }
}
