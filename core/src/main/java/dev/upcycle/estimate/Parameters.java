package dev.upcycle.estimate;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.Dimensions;
import dev.upcycle.arch.Role;
import dev.upcycle.arch.TemplateMatch;
import dev.upcycle.checkpoint.TensorSpec;
import java.util.Collection;
import java.util.Optional;

/// How many parameters a model has, and how many of them one token meets.
///
/// @param total all stored elements, a tied head once
/// @param active those that one token meets: all but the experts that it does not use; the
///   embedding counts whole, as model cards do
public record Parameters(long total, long active) {
  /// Counts tensors of a known family.
  public static Parameters of(
      Collection<TensorSpec> tensors, Architecture family, Dimensions dimensions) {
    long experts = 0;
    long rest = 0;
    for (TensorSpec tensor : tensors) {
      long elements = tensor.shape().elements();
      if (isExpert(family, tensor.name())) {
        experts = Math.addExact(experts, elements);
      } else {
        rest = Math.addExact(rest, elements);
      }
    }
    long used =
        Math.multiplyExact(experts / dimensions.experts(), (long) dimensions.expertsPerToken());
    return new Parameters(Math.addExact(rest, experts), Math.addExact(rest, used));
  }

  /// Counts tensors of a family that is not known: all are active.
  public static Parameters of(Collection<TensorSpec> tensors) {
    long total = 0;
    for (TensorSpec tensor : tensors) {
      total = Math.addExact(total, tensor.shape().elements());
    }
    return new Parameters(total, total);
  }

  private static boolean isExpert(Architecture family, String name) {
    Optional<Role> role =
        family
            .match(name)
            .or(() -> family.matchFused(name))
            .map(TemplateMatch::template)
            .map(template -> template.role());
    return role.isPresent()
        && switch (role.get()) {
          case EXPERT_GATE, EXPERT_UP, EXPERT_DOWN, STACKED_GATE_UP, STACKED_DOWN -> true;
          case EMBEDDING,
              INPUT_NORM,
              ATTENTION_QUERY,
              ATTENTION_KEY,
              ATTENTION_VALUE,
              ATTENTION_OUTPUT,
              ATTENTION_BIAS,
              QUERY_NORM,
              KEY_NORM,
              SHARED_GATE,
              SHARED_UP,
              SHARED_DOWN,
              SHARED_ROUTER,
              POST_ATTENTION_NORM,
              FFN_GATE,
              FFN_UP,
              FFN_DOWN,
              FFN_BIAS,
              ROUTER,
              FINAL_NORM,
              LM_HEAD,
              DERIVED ->
              false;
        };
  }
}
