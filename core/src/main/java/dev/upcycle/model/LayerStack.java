package dev.upcycle.model;

import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;

/// Layers, one after the other.
final class LayerStack {
  private LayerStack() {}

  /// Passes hidden states `[batch, seq, hidden]` through layers, a scope for each.
  ///
  /// @param contexts of each layer
  static HiddenOutput pass(
      List<TransformerLayer> layers,
      Tensor hidden,
      IntFunction<TransformerLayer.Context> contexts) {
    List<LayerRouting> routings = new ArrayList<>();
    Tensor states = hidden;
    for (int layer = 0; layer < layers.size(); layer++) {
      try (TensorScope scope = TensorScope.open()) {
        LayerOutput output = layers.get(layer).forward(states, contexts.apply(layer));
        states = scope.keep(output.hidden());
        int index = layer;
        output
            .findRouting()
            .map(routing -> new LayerRouting(index, KeptOutput.keep(scope, routing)))
            .ifPresent(routings::add);
      }
    }
    return new HiddenOutput(states, routings);
  }
}
