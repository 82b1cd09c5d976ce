package dev.upcycle.plan;

import dev.upcycle.arch.Dimensions;
import dev.upcycle.arch.Role;
import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.plan.UpcyclePlan.Note;
import dev.upcycle.plan.UpcyclePlan.Severity;
import dev.upcycle.recipe.Component;
import dev.upcycle.recipe.RouterInit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// What a user should know about a plan: whether the function is preserved and why, and what it
/// loses.
final class PlanNotes {
  private final List<Note> notes = new ArrayList<>();

  List<Note> notes() {
    return List.copyOf(notes);
  }

  void info(String text) {
    notes.add(new Note(Severity.INFO, text));
  }

  void warning(String text) {
    notes.add(new Note(Severity.WARNING, text));
  }

  /// Why the result computes what the dense model computes.
  void function(Component component) {
    int perToken = component.experts().perToken();
    String rounding =
        perToken == 1
            ? "bit for bit, since one weight divided by itself is 1"
            : "exact in exact arithmetic, else to the rounding of the weighted sum";
    info(
        ("the function is preserved for every router: all experts are equal and the gate's softmax"
                + " over the chosen %d is renormalised to 1 (%s)")
            .formatted(perToken, rounding));
    switch (component.router().init()) {
      case RouterInit.Zero() ->
          warning(
              ("the router is zero: every score ties, so every token goes to the same %d of %d"
                      + " experts until training parts them; an init of kind normal or uniform"
                      + " spreads tokens from the start")
                  .formatted(perToken, component.experts().count()));
      case RouterInit.Normal(double std) ->
          info("routers are drawn from normal(std %s)".formatted(std));
      case RouterInit.Uniform(double bound) ->
          info("routers are drawn from uniform(-%s, %s)".formatted(bound, bound));
    }
    if (component.experts().count() == 1) {
      warning(
          "one expert per layer: the result costs what the dense model costs and learns no routing");
    }
  }

  /// Keys of the recipe that change what the model computes.
  void overridden(ModelConfig derived, Map<String, Object> keys) {
    for (Map.Entry<String, Object> entry : new TreeMap<>(keys).entrySet()) {
      String key = entry.getKey();
      if (TargetConfig.FUNCTIONAL.contains(key)
          && !derived.json().path(key).equals(TargetConfig.node(entry.getValue()))) {
        warning(
            "output.config.%s replaces %s: the result no longer computes what the dense model does"
                .formatted(key, derived.json().path(key)));
      }
    }
  }

  /// What not every loader takes.
  void experts(Dimensions dimensions) {
    if (Integer.bitCount(dimensions.experts()) != 1) {
      info(
          "%d experts are no power of two: loaders take that, some quantisers and expert-parallel kernels do not"
              .formatted(dimensions.experts()));
    }
  }

  /// Source tensors that go, by reason.
  void discarded(List<Discarded> discarded) {
    Map<String, Long> reasons = new TreeMap<>();
    discarded.forEach(one -> reasons.merge(one.reason(), 1L, Long::sum));
    reasons.forEach(
        (reason, count) -> info("%d source tensors left out: %s".formatted(count, reason)));
  }

  /// Casts that lose bits.
  void casts(List<TensorStep> steps) {
    long lossy =
        steps.stream()
            .filter(step -> step.role() != Role.ROUTER)
            .filter(step -> loses(step))
            .count();
    if (lossy > 0) {
      warning(
          "%d tensors are rounded to %s: the result is the rounded model, no longer the source's bits"
              .formatted(lossy, steps.getFirst().target().dtype()));
    }
  }

  private static boolean loses(TensorStep step) {
    return switch (step) {
      case TensorStep.PassThrough s -> narrows(s.source().dtype(), s.target().dtype());
      case TensorStep.CopyToExpert s -> narrows(s.source().dtype(), s.target().dtype());
      case TensorStep.NewRouter s -> false;
    };
  }

  private static boolean narrows(DType from, DType to) {
    return from != to && from.bits() >= to.bits();
  }
}
