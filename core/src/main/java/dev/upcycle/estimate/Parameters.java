package dev.upcycle.estimate;

import dev.upcycle.arch.Composition;
import dev.upcycle.arch.Dimensions;
import dev.upcycle.arch.ModelPart;
import dev.upcycle.arch.Role;
import dev.upcycle.checkpoint.TensorSpec;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/// How many parameters a model has, and how many of them one token meets.
///
/// @param total all stored elements, a tied head once
/// @param active those that one token meets: all but the experts that it does not use; the
///   embedding counts whole, as model cards do
public record Parameters(long total, long active) {
  /// Counts tensors of a known composition.
  public static Parameters of(Collection<TensorSpec> tensors, Composition composition) {
    long total = 0;
    long active = 0;
    Map<ModelPart, Long> experts = new HashMap<>();
    for (TensorSpec tensor : tensors) {
      long elements = tensor.shape().elements();
      total = Math.addExact(total, elements);
      Optional<ModelPart> part =
          composition.parts().stream().filter(one -> isExpert(one, tensor.name())).findFirst();
      if (part.isPresent()) {
        experts.merge(part.get(), elements, Math::addExact);
      } else {
        active = Math.addExact(active, elements);
      }
    }
    for (Map.Entry<ModelPart, Long> one : experts.entrySet()) {
      Dimensions sizes = one.getKey().dimensions();
      long used =
          Math.multiplyExact(one.getValue() / sizes.experts(), (long) sizes.expertsPerToken());
      active = Math.addExact(active, used);
    }
    return new Parameters(total, active);
  }

  /// Counts tensors of a family that is not known: all are active.
  public static Parameters of(Collection<TensorSpec> tensors) {
    long total = 0;
    for (TensorSpec tensor : tensors) {
      total = Math.addExact(total, tensor.shape().elements());
    }
    return new Parameters(total, total);
  }

  private static boolean isExpert(ModelPart part, String name) {
    return part.match(name)
        .or(() -> part.family().matchFused(name))
        .map(match -> match.template().role())
        .filter(Role::isExpert)
        .isPresent();
  }
}
