package dev.upcycle.plan;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.Composition;
import dev.upcycle.arch.ModelPart;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.recipe.Complaint;
import dev.upcycle.recipe.Component;
import dev.upcycle.recipe.LayerSelection;
import dev.upcycle.recipe.Origin;
import dev.upcycle.recipe.Part;
import dev.upcycle.recipe.Recipe;
import dev.upcycle.recipe.RecipeException;
import dev.upcycle.recipe.ResolvedRecipe;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
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
    String type = target();
    Recipe recipe = resolved.recipe();
    if (recipe.components().isEmpty()) {
      Part first =
          dense.parts().stream().flatMap(part -> part.part().stream()).findFirst().orElseThrow();
      complain(
          first.key(),
          "absent, so nothing would become experts; give %s.experts.count and per_token"
              .formatted(first.key()));
    }
    for (Part asked : recipe.components().keySet().stream().sorted().toList()) {
      if (dense.find(asked).isEmpty()) {
        complain(
            asked.key(),
            String.format(
                Locale.ROOT,
                "a %s has no such part; remove the section, or choose a recipe for it",
                dense.whole().modelType()));
      }
    }
    List<Architecture> parts = new ArrayList<>();
    for (ModelPart part : dense.parts()) {
      Optional<Component> component = part.part().flatMap(recipe::component);
      boolean whole = part.family() == dense.whole();
      Architecture family =
          whole
              ? Architecture.find(type).orElse(part.family())
              : component.isPresent() ? Families.target(part.family()) : part.family();
      component.ifPresent(chosen -> layers(part, family, chosen));
      parts.add(family);
    }
    Architecture.find(type)
        .ifPresent(new ClipMoeCheck(dense, resolved.recipe(), this::complain)::examine);
    refuse();
    return new Targets(Architecture.require(type), parts);
  }

  private void refuse() {
    if (!complaints.isEmpty()) {
      throw new RecipeException(complaints);
    }
  }

  private void accepted() {
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
                      "the model is a %s, the recipe takes %s; choose a recipe for it or --set source.%s=%s",
                      family.modelType(),
                      String.join(", ", resolved.recipe().source().of(kind)),
                      kind.key(),
                      family.shortName())));
    }
  }

  private String target() {
    List<String> possible = dense.whole().upcyclesTo();
    String asked = resolved.recipe().target();
    String type = asked.equals("auto") ? possible.getFirst() : asked;
    if (!possible.contains(type)) {
      complain(
          "target",
          String.format(
              Locale.ROOT,
              "a %s cannot become %s here; expected auto or one of %s",
              dense.whole().modelType(),
              type,
              String.join(", ", possible)));
    }
    return type;
  }

  private void layers(ModelPart part, Architecture target, Component component) {
    if (component.layers() instanceof LayerSelection.All) {
      return;
    }
    String section = part.part().orElseThrow().key();
    int layers = part.dimensions().layers();
    List<Integer> chosen;
    try {
      chosen = component.layers().of(layers);
    } catch (RecipeException e) {
      e.complaints().forEach(one -> complain(section + ".layers", one.message()));
      return;
    }
    if (chosen.size() != layers && !target.mixesLayers()) {
      complain(
          section + ".layers",
          String.format(
              Locale.ROOT,
              "chooses %d of %d layers, but Mixtral makes every layer sparse; Qwen2-MoE and Qwen3-MoE"
                  + " can mix (decoder_sparse_step, mlp_only_layers) and are not built for a %s."
                  + " Expected all",
              chosen.size(),
              layers,
              part.family().modelType()));
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
        .forEach(objection -> complain(sections() + ".router.init", objection));
    refuse();
  }

  private String sections() {
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
