package dev.upcycle.estimate;

import dev.upcycle.arch.Composition;
import dev.upcycle.arch.ModelPart;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.checkpoint.TensorSpec;
import dev.upcycle.plan.TensorStep;
import dev.upcycle.plan.UpcyclePlan;
import dev.upcycle.recipe.Part;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// One part of a model before and after.
///
/// @param part empty for what a composition holds beside its parts
/// @param family of the result
/// @param dense parameters of the dense part that go into the result
/// @param sparse parameters of the result's part, in all and of one token
public record PartShare(Optional<Part> part, String family, long dense, Parameters sparse) {
  static List<PartShare> of(UpcyclePlan plan, Composition target) {
    Map<ModelPart, List<TensorStep>> steps = new HashMap<>();
    for (TensorStep step : plan.steps()) {
      target
          .owner(step.target().name())
          .ifPresent(part -> steps.computeIfAbsent(part, one -> new ArrayList<>()).add(step));
    }
    return target.parts().stream()
        .filter(steps::containsKey)
        .map(part -> of(part, steps.getOrDefault(part, List.of()), target))
        .toList();
  }

  private static PartShare of(ModelPart part, List<TensorStep> steps, Composition target) {
    Set<String> counted = new HashSet<>();
    long dense = 0;
    for (TensorStep step : steps) {
      Optional<TensorEntry> source = source(step);
      if (source.isPresent() && counted.add(source.get().name())) {
        dense = Math.addExact(dense, source.get().shape().elements());
      }
    }
    List<TensorSpec> tensors = steps.stream().map(TensorStep::target).toList();
    return new PartShare(
        part.part(), part.family().modelType(), dense, Parameters.of(tensors, target));
  }

  private static Optional<TensorEntry> source(TensorStep step) {
    return switch (step) {
      case TensorStep.PassThrough(_, _, TensorEntry source) -> Optional.of(source);
      case TensorStep.CopyToExpert copy -> Optional.of(copy.source());
      case TensorStep.NewRouter _, TensorStep.FileRouter _ -> Optional.empty();
    };
  }
}
