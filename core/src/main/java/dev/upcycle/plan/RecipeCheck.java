package dev.upcycle.plan;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.Composition;
import dev.upcycle.arch.ConnectorConfig;
import dev.upcycle.arch.ModelPart;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.recipe.Complaint;
import dev.upcycle.recipe.Component;
import dev.upcycle.recipe.Origin;
import dev.upcycle.recipe.Part;
import dev.upcycle.recipe.RecipeException;
import dev.upcycle.recipe.ResolvedRecipe;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/// Holds what a recipe asks for against the family of the source: everything that the recipe, not
/// the model, would have to change.
final class RecipeCheck {
  private final ResolvedRecipe resolved;
  private final Composition dense;
  private final List<Complaint> complaints = new ArrayList<>();

  RecipeCheck(ResolvedRecipe resolved, Composition dense) {
    this.resolved = resolved;
    this.dense = dense;
  }

  /// What a model becomes.
  ///
  /// @param whole the family of the result
  /// @param parts the families of its parts, in the order of the dense model's
  record Targets(Architecture whole, List<Architecture> parts) {
    Targets {
      parts = List.copyOf(parts);
    }
  }

  /// The families of the result.
  ///
  /// @throws RecipeException with every complaint at once
  Targets targets() {
    accepted();
    sections();
    scales();
    Map<ModelPart, List<Integer>> layers = layers();
    Architecture whole = whole(layers);
    List<Architecture> parts = new ArrayList<>();
    for (ModelPart part : dense.parts()) {
      List<Integer> chosen = layers.get(part);
      if (chosen != null) {
        parts.add(mixture(part, chosen, whole));
      } else {
        parts.add(
            part.family() == dense.whole()
                ? whole
                : new PartTarget(part, whole).dense().orElseGet(() -> noRoom(part, whole)));
      }
    }
    new SingleFormCheck(dense, resolved.recipe(), this::complain).examine(whole);
    new ClipMoeCheck(dense, resolved.recipe(), this::complain).examine(whole);
    depth(whole);
    refuse();
    return new Targets(whole, parts);
  }

  /// Has the target's form a connector of so many linear layers?
  private void depth(Architecture whole) {
    dense
        .find(Part.CONNECTOR)
        .filter(part -> !TargetChoice.holds(part, whole))
        .ifPresent(part -> {
          String others = new TargetChoice(dense, resolved.recipe()).others("; choose target ");
          complain(
              "target",
              String.format(
                  Locale.ROOT,
                  "the connector has %d linear layers, %s with it has 2%s",
                  part.dimensions().require("depth"),
                  whole.targetName(),
                  others.isEmpty()
                      ? "; no target for a %s has another number: convert a part alone, --model"
                              .formatted(dense.whole().modelType())
                          + " language=DIR"
                      : others));
        });
  }

  /// Is there a section for a part that the model has, and for no other?
  private void sections() {
    Set<Part> asked = resolved.recipe().components().keySet();
    if (asked.isEmpty()) {
      Part first =
          dense.parts().stream().flatMap(part -> part.part().stream()).findFirst().orElseThrow();
      complain(
          first.key(),
          "absent, so nothing would become experts; give %s.experts.count and per_token"
              .formatted(first.key()));
    }
    for (Part part : asked.stream().sorted().toList()) {
      Optional<ModelPart> found = dense.find(part);
      if (found.isEmpty()) {
        complain(
            part.key(),
            String.format(
                Locale.ROOT,
                "a %s has no such part; remove the section, choose a recipe for it, or name every part"
                    + " of the model, --model %s=PATH among them",
                dense.whole().modelType(),
                part.key()));
      } else if (part == Part.CONNECTOR && found.get().dimensions().layers() == 0) {
        complain(
            part.key(),
            "the connector is one linear layer, and experts are networks of two or more; remove the"
                + " section, and it stays as it is");
      } else if (found.get().family().mixtureOfExperts()) {
        complain(
            part.key(),
            String.format(
                Locale.ROOT,
                "the model's is a %s, already a Mixture-of-Experts; remove the section, and it"
                    + " stays as it is",
                found.get().family().modelType()));
      }
    }
  }

  /// A connector reads the features of all scales side by side.
  private void scales() {
    Optional<Component> vision = resolved.recipe().component(Part.VISION);
    Optional<ModelPart> tower = dense.find(Part.VISION);
    if (vision.isEmpty() || tower.isEmpty()) {
      return;
    }
    List<Integer> asked = vision.get().scales();
    if (dense.whole().rule(Part.CONNECTOR).isEmpty()) {
      if (!asked.equals(List.of(1))) {
        complain(
            "vision.scales",
            String.format(
                Locale.ROOT,
                "is %s, but a %s has no connector that reads several scales; remove the key",
                asked,
                dense.whole().modelType()));
      }
      return;
    }
    List<Integer> own = ConnectorConfig.scales(dense.parts().getFirst().config());
    long hidden = tower.get().dimensions().hidden();
    if (asked.size() != own.size()) {
      complain(
          "vision.scales",
          String.format(
              Locale.ROOT,
              "%s makes features %d wide (%d scales of %d), the model's connector takes %d, as scales"
                  + " %s do; --set vision.scales=%s, or give a model whose connector was trained on"
                  + " %d scales",
              asked,
              asked.size() * hidden,
              asked.size(),
              hidden,
              own.size() * hidden,
              own,
              own.toString().replace(" ", ""),
              asked.size()));
    }
  }

  /// The layers that each part with a section of its own takes.
  private Map<ModelPart, List<Integer>> layers() {
    Map<ModelPart, List<Integer>> layers = new HashMap<>();
    for (ModelPart part : dense.parts()) {
      Optional<Component> component = part.part().flatMap(resolved.recipe()::component);
      if (component.isPresent() && part.dimensions().layers() > 0) {
        try {
          layers.put(part, component.get().layers().of(part.dimensions().layers()));
        } catch (RecipeException e) {
          String section = part.part().orElseThrow().key();
          e.complaints().forEach(one -> complain(section + ".layers", one.message()));
        }
      }
    }
    return layers;
  }

  private Architecture whole(Map<ModelPart, List<Integer>> layers) {
    TargetChoice choice = new TargetChoice(dense, resolved.recipe());
    if (choice.named().isEmpty()) {
      complain("target", choice.noSuchTarget());
      refuse();
    }
    return choice.whole(layers);
  }

  private Architecture noRoom(ModelPart part, Architecture whole) {
    complain("target", new TargetChoice(dense, resolved.recipe()).noRoom(part, whole));
    return part.family();
  }

  private Architecture mixture(ModelPart part, List<Integer> chosen, Architecture whole) {
    PartTarget target = new PartTarget(part, whole);
    Optional<Architecture> mixture = target.mixture(chosen);
    if (mixture.isPresent()) {
      return mixture.get();
    }
    String section = part.part().orElseThrow().key();
    if (target.mixtures().isEmpty()) {
      complain(
          "target",
          String.format(
              Locale.ROOT,
              "a %s has no place for a %s with experts; remove the section %s%s",
              whole.targetName(),
              part.family().modelType(),
              section,
              new TargetChoice(dense, resolved.recipe()).others(" or choose target ")));
      return part.family();
    }
    complain(
        section + ".layers",
        String.format(
            Locale.ROOT,
            "chooses %d of %d layers, but %s makes every layer sparse%s. Expected all%s",
            chosen.size(),
            part.dimensions().layers(),
            part.family().decodes() ? "Mixtral" : whole.targetName(),
            part.family().decodes()
                ? "; Qwen2-MoE and Qwen3-MoE can mix (decoder_sparse_step, mlp_only_layers) and are"
                    + " not built for a "
                    + part.family().modelType()
                : "",
            new TargetChoice(dense, resolved.recipe()).mixing(part, chosen)));
    return target.mixtures().getFirst();
  }

  private void refuse() {
    if (!complaints.isEmpty()) {
      throw new RecipeException(complaints);
    }
  }

  private void accepted() {
    TargetChoice choice = new TargetChoice(dense, resolved.recipe());
    for (ModelPart part : dense.parts()) {
      Architecture family = part.family();
      part.part()
          .filter(kind ->
              !resolved.recipe().source().accepts(kind, family.modelType())
                  && !resolved.recipe().source().accepts(kind, family.shortName()))
          .ifPresent(kind ->
              complain(
                  "source." + kind.key(),
                  String.format(
                      Locale.ROOT,
                      "the model is a %s, the recipe takes %s; choose a recipe for it%s",
                      family.modelType(),
                      String.join(", ", resolved.recipe().source().of(kind)),
                      choice.hasRoom(part)
                          ? " or --set source." + kind.key() + "=" + family.shortName()
                          : "")));
    }
  }

  /// Refuses recipe keys that contradict what the tensors and the other keys decide.
  ///
  /// @throws RecipeException with every complaint at once
  void config(ModelConfig derived, Architecture target) {
    resolved
        .recipe()
        .output()
        .config()
        .forEach((key, value) -> {
          JsonNode wanted = TargetConfig.node(value);
          if (TargetConfig.POSITIONS.contains(key)) {
            positions(key, wanted);
          } else if (target.foreignKeys().contains(key)) {
            complain(
                "output.config." + key,
                String.format(
                    Locale.ROOT,
                    "a %s has no such setting, and some of its readers would take it as another; remove the key%s",
                    target.modelType(),
                    key.contains("experts") ? " and set language.experts.count" : ""));
          } else if (TargetConfig.DECIDED.contains(key)
              && !TargetConfig.same(derived.json().path(key), wanted)) {
            complain(
                "output.config." + key,
                String.format(
                    Locale.ROOT,
                    "%s contradicts %s, which %s",
                    wanted,
                    derived.json().path(key),
                    decider(key)));
          }
        });
    refuse();
  }

  private void positions(String key, JsonNode wanted) {
    if (wanted.isNull() && key.equals("sliding_window")) {
      return;
    }
    Optional<String> reason =
        wanted.canConvertToLong() && wanted.isIntegralNumber()
            ? TargetConfig.badPositions(wanted.longValue())
            : Optional.of("is " + wanted + ", expected a whole number");
    reason.ifPresent(text -> complain("output.config." + key, text));
  }

  /// Refuses a router init that the routers' dtype cannot hold.
  ///
  /// @throws RecipeException when it cannot
  void routers(List<TensorStep> steps) {
    steps.stream()
        .flatMap(step ->
            step instanceof TensorStep.NewRouter router
                ? RouterSpread.objection(router.init(), router.target().dtype()).stream()
                : Stream.empty())
        .distinct()
        .forEach(objection -> complain(keys() + ".router.init", objection));
    refuse();
  }

  private String keys() {
    return resolved.recipe().components().keySet().stream()
        .sorted()
        .map(Part::key)
        .collect(Collectors.joining(" or "));
  }

  private static String decider(String key) {
    return switch (key) {
      case "num_local_experts" -> "language.experts.count decides";
      case "num_experts_per_tok" -> "language.experts.per_token decides";
      case "dtype", "torch_dtype" -> "output.dtype and the source decide";
      default -> "the source's tensors and config decide; remove the key";
    };
  }

  private void complain(String keyPath, String message) {
    Optional<Origin> origin = Optional.ofNullable(resolved.origins().get(keyPath));
    String source =
        origin
            .filter(o -> !o.detail().isEmpty())
            .map(Origin::detail)
            .orElse("recipe " + resolved.recipe().name());
    complaints.add(new Complaint(source, 0, 0, keyPath, message));
  }
}
