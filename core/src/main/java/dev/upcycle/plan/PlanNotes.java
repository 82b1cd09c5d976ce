package dev.upcycle.plan;

import dev.upcycle.arch.Composition;
import dev.upcycle.arch.ConnectorConfig;
import dev.upcycle.arch.ModelPart;
import dev.upcycle.arch.Role;
import dev.upcycle.arch.TowerState;
import dev.upcycle.plan.UpcyclePlan.Note;
import dev.upcycle.plan.UpcyclePlan.Severity;
import dev.upcycle.recipe.Component;
import dev.upcycle.recipe.LayerSelection;
import dev.upcycle.recipe.Part;
import dev.upcycle.recipe.RouterInit;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.TreeMap;
import java.util.function.Function;

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

  /// Why the sparse parts compute what the dense ones compute, and how they begin; what holds of
  /// several is said once.
  ///
  /// @param parts the sparse ones and what was asked of each
  /// @param named whether each is one part of several
  void functions(SequencedMap<ModelPart, Component> parts, Naming named) {
    Map<Note, List<String>> holders = new LinkedHashMap<>();
    for (Function<Map.Entry<ModelPart, Component>, List<Note>> topic : TOPICS) {
      for (Map.Entry<ModelPart, Component> one : parts.entrySet()) {
        String key = one.getKey().part().map(Part::key).orElse("");
        topic
            .apply(one)
            .forEach(note -> holders.computeIfAbsent(note, text -> new ArrayList<>()).add(key));
      }
    }
    holders.forEach((note, keys) ->
        notes.add(
            new Note(
                note.severity(),
                switch (named) {
                  case PARTS -> String.join(" and ", keys) + ": " + note.text();
                  case WHOLE -> note.text();
                })));
  }

  /// Whether notes name the part that they are about.
  enum Naming {
    PARTS,
    WHOLE
  }

  private static final List<Function<Map.Entry<ModelPart, Component>, List<Note>>> TOPICS =
      List.of(
          one -> List.of(preserved(one.getValue())),
          one -> List.of(routers(one.getValue())),
          one -> oneExpert(one.getValue()),
          one -> fewer(one.getValue(), one.getKey().dimensions().layers()));

  private static Note preserved(Component component) {
    int perToken = component.experts().perToken();
    String rounding =
        perToken == 1
            ? "bit for bit, since one weight divided by itself is 1"
            : "exact in exact arithmetic, else to the rounding of the weighted sum";
    return new Note(
        Severity.INFO,
        String.format(
            Locale.ROOT,
            "the function is preserved for every router: all experts are equal and the gate's softmax"
                + " over the chosen %d is renormalised to 1 (%s)",
            perToken,
            rounding));
  }

  private static Note routers(Component component) {
    return switch (component.router().init()) {
      case RouterInit.Zero() ->
          new Note(
              Severity.WARNING,
              String.format(
                  Locale.ROOT,
                  "the router is zero: every score ties, so every token goes to the same %d of %d"
                      + " experts until training parts them; an init of kind normal or uniform"
                      + " spreads tokens from the start",
                  component.experts().perToken(),
                  component.experts().count()));
      case RouterInit.Normal(double std) ->
          new Note(
              Severity.INFO,
              String.format(Locale.ROOT, "routers are drawn from normal(std %s)", std));
      case RouterInit.Uniform(double bound) ->
          new Note(
              Severity.INFO,
              String.format(Locale.ROOT, "routers are drawn from uniform(-%s, %s)", bound, bound));
      case RouterInit.File(Path path) -> new Note(Severity.INFO, "routers are taken from " + path);
      case RouterInit.TorchLinear() ->
          new Note(
              Severity.INFO,
              "routers are drawn as PyTorch fills a linear layer: uniform up to 1/sqrt(width)");
    };
  }

  private static List<Note> oneExpert(Component component) {
    return component.experts().count() == 1
        ? List.of(
            new Note(
                Severity.WARNING,
                "one expert per layer: the result costs what the dense model costs and learns no"
                    + " routing"))
        : List.of();
  }

  /// A recipe that was written for more layers.
  private static List<Note> fewer(Component component, int layers) {
    return component.layers() instanceof LayerSelection.Last(int asked) && asked > layers
        ? List.of(
            new Note(
                Severity.INFO,
                "the last %d layers were asked for, and there are %d: all of them become experts"
                    .formatted(asked, layers)))
        : List.of();
  }

  /// A LLaVA computes its image tower up to the layer whose output it reads.
  ///
  /// @param component how the tower's layers become experts
  void unused(Composition target, Component component) {
    boolean alone = target.whole().rule(Part.CONNECTOR).isEmpty();
    Optional<TowerState> read = alone ? usual(target) : TowerState.find(target);
    if (read.isEmpty() || read.get().count() == read.get().layers()) {
      return;
    }
    int first = read.get().count();
    int last = read.get().layers() - 1;
    String layers = first == last ? "layer " + last : "layers %d to %d".formatted(first, last);
    String why =
        "%s LLaVA reads %s, so %s %s never used%s"
            .formatted(
                alone ? "a" : "this",
                first == 0 ? "what enters layer 0" : "the output of layer " + (first - 1),
                layers,
                first == last ? "is" : "are",
                alone ? " there" : "");
    if (component.layers().of(last + 1).stream().noneMatch(layer -> layer >= first)) {
      if (component.layers() instanceof LayerSelection.ExceptLast) {
        info("vision: %s %s dense: %s".formatted(layers, first == last ? "stays" : "stay", why));
      }
      return;
    }
    boolean mixes = target.find(Part.VISION).orElseThrow().family().mixesLayers();
    info(
        "vision: %s, experts or not; %s"
            .formatted(
                why,
                mixes && first > 0
                    ? "vision.layers={except_last: %d} leaves dense what is not used"
                        .formatted(last + 1 - first)
                    : "this target makes every layer sparse"));
  }

  /// What LLaVAs read of a CLIP's image tower, unless they say otherwise.
  private static Optional<TowerState> usual(Composition tower) {
    return Optional.of(tower.parts().getFirst())
        .filter(part -> tower.parts().size() == 1)
        .filter(part -> part.family().has(Role.CLASS_EMBEDDING) && part.family().has(Role.PRE_NORM))
        .map(part -> new TowerState(TowerState.KEY, -2, part.dimensions().layers()));
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

  /// What of several scales only CuMo's own class, and ours, compute.
  ///
  /// @param dense the model that went in, which densify gives back
  void scales(Composition dense, Composition target) {
    if (dense.whole().rule(Part.CONNECTOR).isEmpty()) {
      return;
    }
    List<Integer> scales = ConnectorConfig.scales(target.parts().getFirst().config());
    if (scales.size() < 2) {
      return;
    }
    if (!target.whole().severalScales()) {
      warning(
          "the connector reads %d scales %s, and the class that loads a %s looks at one: it runs here,"
                  .formatted(scales.size(), scales, target.whole().modelType())
              + " not there; --set target=cumo writes the form whose class looks at several");
    }
    if (!dense.whole().severalScales()) {
      info(
          "densify of the result gives a %s with a connector of %d scales, which this program runs and"
                  .formatted(dense.whole().modelType(), scales.size())
              + " no class of transformers builds");
    }
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
