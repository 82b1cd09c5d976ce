package dev.upcycle.plan;

import dev.upcycle.arch.Architecture;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.recipe.Complaint;
import dev.upcycle.recipe.Component;
import dev.upcycle.recipe.LayerSelection;
import dev.upcycle.recipe.Origin;
import dev.upcycle.recipe.Recipe;
import dev.upcycle.recipe.RecipeException;
import dev.upcycle.recipe.ResolvedRecipe;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/// Holds what a recipe asks for against the family of the source: everything that the recipe, not
/// the model, would have to change.
final class RecipeCheck {
  private final ResolvedRecipe resolved;
  private final Architecture family;
  private final List<Complaint> complaints = new ArrayList<>();

  RecipeCheck(ResolvedRecipe resolved, Architecture family) {
    this.resolved = resolved;
    this.family = family;
  }

  /// The family of the result.
  ///
  /// @throws RecipeException with every complaint at once
  Architecture target(int layers) {
    Recipe recipe = resolved.recipe();
    if (!recipe.source().accepts(family.modelType())) {
      complain(
          "source.language",
          String.format(
              Locale.ROOT,
              "the model is a %s, the recipe takes %s; choose a recipe for it or --set source.language=%s",
              family.modelType(),
              String.join(", ", recipe.source().language()),
              family.modelType()));
    }
    String type = recipe.target().equals("auto") ? family.upcyclesTo().getFirst() : recipe.target();
    if (!family.upcyclesTo().contains(type)) {
      complain(
          "target",
          String.format(
              Locale.ROOT,
              "a %s cannot become %s here; expected auto or one of %s",
              family.modelType(),
              type,
              String.join(", ", family.upcyclesTo())));
    }
    if (recipe.language().isEmpty()) {
      complain(
          "language",
          "absent, so nothing would become experts; give language.experts.count and per_token");
    } else {
      layers(recipe.language().get(), layers);
    }
    if (!complaints.isEmpty()) {
      throw new RecipeException(complaints);
    }
    return Architecture.require(type);
  }

  private void layers(Component component, int layers) {
    if (component.layers() instanceof LayerSelection.All) {
      return;
    }
    List<Integer> chosen;
    try {
      chosen = component.layers().of(layers);
    } catch (RecipeException e) {
      complaints.addAll(e.complaints());
      return;
    }
    if (chosen.size() != layers) {
      complain(
          "language.layers",
          String.format(
              Locale.ROOT,
              "chooses %d of %d layers, but Mixtral makes every layer sparse; Qwen2-MoE and Qwen3-MoE"
                  + " can mix (decoder_sparse_step, mlp_only_layers) and are not built for a %s."
                  + " Expected all",
              chosen.size(),
              layers,
              family.modelType()));
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
    if (!complaints.isEmpty()) {
      throw new RecipeException(complaints);
    }
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
        .forEach(objection -> complain("language.router.init", objection));
    if (!complaints.isEmpty()) {
      throw new RecipeException(complaints);
    }
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
