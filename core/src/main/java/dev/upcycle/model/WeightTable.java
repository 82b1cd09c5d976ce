package dev.upcycle.model;

import dev.upcycle.kernels.ffn.Linear;
import dev.upcycle.kernels.norm.Norm;
import dev.upcycle.kernels.tensor.Tensor;
import java.util.Map;
import java.util.Optional;

/// Weights by the names of their family, and the blocks that are made of one or two of them.
record WeightTable(Map<String, Tensor> byName) {
  private static final String WEIGHT = ".weight";
  private static final String BIAS = ".bias";

  Tensor require(String name) {
    return find(name)
        .orElseThrow(() -> new IllegalStateException("tensor " + name + " was not loaded"));
  }

  Optional<Tensor> find(String name) {
    return Optional.ofNullable(byName.get(name));
  }

  /// A matrix with the bias of its name, where there is one.
  Linear linear(String name) {
    return new Linear(require(name), byName.get(biasOf(name)));
  }

  /// A norm with the bias of its name, where there is one.
  Norm norm(String name, NormForm form) {
    return switch (form.kind()) {
      case RMS -> new Norm.RmsNorm(require(name), form.epsilon());
      case LAYER -> new Norm.LayerNorm(require(name), byName.get(biasOf(name)), form.epsilon());
    };
  }

  private static String biasOf(String name) {
    return name.substring(0, name.length() - WEIGHT.length()) + BIAS;
  }
}
