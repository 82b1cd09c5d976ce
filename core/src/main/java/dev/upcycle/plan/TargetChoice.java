package dev.upcycle.plan;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.Composition;
import dev.upcycle.arch.ModelPart;
import dev.upcycle.recipe.Component;
import dev.upcycle.recipe.Part;
import dev.upcycle.recipe.Recipe;
import dev.upcycle.recipe.Recipes;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// The families that a dense model can become as a whole, and the one that a recipe means.
///
/// @param dense the model's parts
/// @param recipe what is asked for
record TargetChoice(Composition dense, Recipe recipe) {
  private static final String AUTO = "auto";

  private List<Architecture> possible() {
    return dense.whole().upcyclesTo().stream().map(Architecture::require).toList();
  }

  /// Those that the recipe names, the preferred one first.
  List<Architecture> named() {
    return possible().stream()
        .filter(whole -> recipe.target().equals(AUTO) || whole.targetName().equals(recipe.target()))
        .toList();
  }

  /// The first of them that has room for all parts; where none has, the one that lacks least.
  ///
  /// @param layers that become sparse, of each part that does
  Architecture whole(Map<ModelPart, List<Integer>> layers) {
    boolean several =
        recipe.target().equals(AUTO)
            && recipe
                .component(Part.VISION)
                .map(Component::scales)
                .filter(scales -> scales.size() > 1)
                .isPresent();
    return named().stream()
        .min(
            Comparator.comparingLong((Architecture whole) -> misfits(whole, layers))
                .thenComparing(whole -> several && !whole.severalScales()))
        .orElseThrow();
  }

  private long misfits(Architecture whole, Map<ModelPart, List<Integer>> layers) {
    return members().stream().filter(part -> !fits(part, whole, layers.get(part))).count();
  }

  private List<ModelPart> members() {
    return dense.parts().stream()
        .filter(part -> part.family() != dense.whole() || part.part().isPresent())
        .toList();
  }

  private static boolean fits(ModelPart part, Architecture whole, @Nullable List<Integer> chosen) {
    PartTarget target = new PartTarget(part, whole);
    return holds(part, whole)
        && (chosen == null ? target.dense() : target.mixture(chosen)).isPresent();
  }

  /// Whether a target that the recipe names has a place for a part as the recipe leaves or makes
  /// it.
  boolean hasRoom(ModelPart part) {
    return named().stream().anyMatch(whole -> suits(part, whole));
  }

  private boolean suits(ModelPart part, Architecture whole) {
    PartTarget target = new PartTarget(part, whole);
    return holds(part, whole)
        && (part.part().flatMap(recipe::component).isPresent()
            ? !target.mixtures().isEmpty()
            : target.dense().isPresent());
  }

  /// Whether a target has a place for a part as deep as this: of connectors, transformers' LLaVA
  /// and our modelling file after it have those of two linear layers alone.
  static boolean holds(ModelPart part, Architecture whole) {
    return !part.part().equals(Optional.of(Part.CONNECTOR))
        || whole.rule(Part.CONNECTOR).isEmpty()
        || !whole.ownKeys().isEmpty()
        || part.dimensions().require("depth") == 2;
  }

  /// Whether a target has a place for a part, dense or with experts.
  static boolean room(ModelPart part, Architecture whole) {
    PartTarget target = new PartTarget(part, whole);
    return target.dense().isPresent() || !target.mixtures().isEmpty();
  }

  /// Why the recipe's target is none of this model's, and what is.
  String noSuchTarget() {
    List<String> names =
        possible().stream()
            .map(Architecture::targetName)
            .distinct()
            .filter(Recipes.targets()::contains)
            .toList();
    return String.format(
        Locale.ROOT,
        "a %s cannot become %s here; expected auto%s%s",
        dense.whole().modelType(),
        recipe.target(),
        names.isEmpty() ? "" : " or one of " + String.join(", ", names),
        parted());
  }

  /// A part of the model that could become it, taken out.
  private String parted() {
    return dense.parts().stream()
        .filter(part -> part.family() != dense.whole())
        .filter(part ->
            part.family().upcyclesTo().stream()
                .map(Architecture::require)
                .anyMatch(target -> target.targetName().equals(recipe.target())))
        .flatMap(part -> part.part().stream())
        .map(Part::key)
        .map(key -> "; its %s alone can: --model %s=DIR".formatted(key, key))
        .collect(Collectors.joining());
  }

  /// Why a part has no place in a target, and where it has.
  String noRoom(ModelPart part, Architecture whole) {
    return String.format(
        Locale.ROOT,
        "%s has no room for a dense %s%s",
        whole.targetName(),
        part.family().modelType(),
        others("; choose target "));
  }

  /// The targets that have a place for every part as the recipe leaves or makes it.
  ///
  /// @param before stands before them; empty text where there are none
  String others(String before) {
    return names(before, whole -> true);
  }

  /// The targets in which a part can have experts in just these layers.
  String mixing(ModelPart part, List<Integer> chosen) {
    return names(", or target=", whole -> fits(part, whole, chosen));
  }

  private String names(String before, Predicate<Architecture> able) {
    List<String> names =
        possible().stream()
            .filter(whole -> members().stream().allMatch(part -> suits(part, whole)))
            .filter(able)
            .map(Architecture::targetName)
            .filter(name -> !name.equals(recipe.target()))
            .filter(Recipes.targets()::contains)
            .distinct()
            .toList();
    return names.isEmpty() ? "" : before + String.join(" or ", names);
  }
}
