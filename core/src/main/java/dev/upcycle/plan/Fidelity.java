package dev.upcycle.plan;

import dev.upcycle.checkpoint.DType;
import java.util.List;
import java.util.Optional;

/// What keeps a target from computing exactly what the dense model computes.
///
/// @param roundedTensors tensors whose dtype holds fewer bits than their source's
/// @param roundedTo their dtype; empty when there are none
/// @param overrides config keys by which the recipe changes what the model computes
public record Fidelity(long roundedTensors, Optional<DType> roundedTo, List<Change> overrides) {
  /// Takes a copy.
  public Fidelity {
    overrides = List.copyOf(overrides);
  }

  /// A functional config key that the recipe sets to something else.
  ///
  /// @param key the config key
  /// @param dense what the dense model means, as JSON; `absent` where it says nothing
  /// @param wanted what the recipe sets, as JSON
  public record Change(String key, String dense, String wanted) {}

  static Fidelity of(List<TensorStep> steps, List<Change> overrides) {
    List<TensorStep> rounded = steps.stream().filter(Fidelity::loses).toList();
    return new Fidelity(
        rounded.size(), rounded.stream().findFirst().map(step -> step.target().dtype()), overrides);
  }

  private static boolean loses(TensorStep step) {
    return switch (step) {
      case TensorStep.PassThrough s -> narrows(s.source().dtype(), s.target().dtype());
      case TensorStep.CopyToExpert s -> narrows(s.source().dtype(), s.target().dtype());
      case TensorStep.NewRouter s -> false;
      case TensorStep.FileRouter s -> false;
    };
  }

  private static boolean narrows(DType from, DType to) {
    return from != to && from.bits() >= to.bits();
  }
}
