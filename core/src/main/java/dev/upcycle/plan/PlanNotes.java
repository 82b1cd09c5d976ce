package dev.upcycle.plan;

import dev.upcycle.arch.ModelPart;
import dev.upcycle.arch.Role;
import dev.upcycle.plan.UpcyclePlan.Note;
import dev.upcycle.plan.UpcyclePlan.Severity;
import dev.upcycle.recipe.Component;
import dev.upcycle.recipe.LayerSelection;
import dev.upcycle.recipe.RouterInit;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
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

  /// Why a part computes what the dense part computes.
  void function(ModelPart part, Component component) {
    int perToken = component.experts().perToken();
    String rounding =
        perToken == 1
            ? "bit for bit, since one weight divided by itself is 1"
            : "exact in exact arithmetic, else to the rounding of the weighted sum";
    info(
        String.format(
            Locale.ROOT,
            "the function%s is preserved for every router: all experts are equal and the gate's softmax"
                + " over the chosen %d is renormalised to 1 (%s)",
            of(part),
            perToken,
            rounding));
    switch (component.router().init()) {
      case RouterInit.Zero() ->
          warning(
              String.format(
                  Locale.ROOT,
                  "the router is zero: every score ties, so every token goes to the same %d of %d"
                      + " experts until training parts them; an init of kind normal or uniform"
                      + " spreads tokens from the start",
                  perToken,
                  component.experts().count()));
      case RouterInit.Normal(double std) ->
          info(String.format(Locale.ROOT, "routers are drawn from normal(std %s)", std));
      case RouterInit.Uniform(double bound) ->
          info(String.format(Locale.ROOT, "routers are drawn from uniform(-%s, %s)", bound, bound));
      case RouterInit.File(Path path) -> info("routers are taken from " + path);
      case RouterInit.TorchLinear() ->
          info("routers are drawn as PyTorch fills a linear layer: uniform up to 1/sqrt(width)");
    }
    lastLayer(part, component);
    if (component.experts().count() == 1) {
      warning(
          "one expert per layer: the result costs what the dense model costs and learns no"
              + " routing");
    }
  }

  private static String of(ModelPart part) {
    return part.family().decodes() && part.naming().prefix().isEmpty()
        ? ""
        : " of the " + part.family().modelType().replace('_', ' ');
  }

  /// LLaVA reads a CLIP's hidden states before the last layer (`vision_feature_layer` -2).
  private void lastLayer(ModelPart part, Component component) {
    if (!part.family().has(Role.CLASS_EMBEDDING) || !part.family().has(Role.PRE_NORM)) {
      return;
    }
    int last = part.dimensions().layers() - 1;
    boolean sparse = component.layers().of(last + 1).contains(last);
    String why =
        "a LLaVA takes the output of layer %d, so there layer %d is never used"
            .formatted(last - 1, last);
    if (component.layers() instanceof LayerSelection.ExceptLast) {
      info("layer %d stays dense: %s".formatted(last, why));
    } else if (sparse) {
      String remedy =
          part.family().mixesLayers()
              ? "vision.layers={except_last: 1} leaves it dense"
              : "this target makes every layer sparse";
      info("%s, experts or not; %s".formatted(why, remedy));
    }
  }

  /// What keeps the result from computing exactly what the dense model computes.
  void fidelity(Fidelity fidelity) {
    for (Fidelity.Change override : fidelity.overrides()) {
      warning(
          String.format(
              Locale.ROOT,
              "output.config.%s replaces %s: the result no longer computes what the dense model does",
              override.key(),
              override.dense()));
    }
    fidelity
        .roundedTo()
        .ifPresent(dtype ->
            warning(
                String.format(
                    Locale.ROOT,
                    "%d tensors are rounded to %s: the result is the rounded model, no longer the source's bits",
                    fidelity.roundedTensors(),
                    dtype)));
  }

  /// What not every loader takes.
  void experts(int count) {
    if (Integer.bitCount(count) != 1) {
      info(
          String.format(
              Locale.ROOT,
              "%d experts are no power of two: loaders take that, some quantisers and expert-parallel kernels do not",
              count));
    }
  }

  /// Source tensors that go, by reason.
  void discarded(List<Discarded> discarded) {
    Map<String, Long> reasons = new TreeMap<>();
    discarded.forEach(one -> reasons.merge(one.reason(), 1L, Long::sum));
    reasons.forEach((reason, count) ->
        info(String.format(Locale.ROOT, "%d source tensors left out: %s", count, reason)));
  }
}
