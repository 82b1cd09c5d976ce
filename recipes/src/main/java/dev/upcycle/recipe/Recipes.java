package dev.upcycle.recipe;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The one reader of recipes, the shipped ones among them.
public final class Recipes {
  private Recipes() {}

  /// The names of the shipped recipes, sorted.
  public static List<String> shipped() {
    return Library.SHIPPED;
  }

  /// The names of targets that a recipe may give, `auto` not among them.
  public static List<String> targets() {
    return Format.TARGETS;
  }

  /// The text of a shipped recipe, or of the file at this path (a name with a separator or `.yaml`
  /// is a path).
  ///
  /// @param workingDirectory what a relative path is relative to
  /// @throws RecipeException with the nearest names when there is none
  public static RecipeText text(String nameOrPath, Path workingDirectory) {
    return Library.text(nameOrPath, Optional.of(workingDirectory));
  }

  /// The recipe that a conversion without a recipe amounts to: every layer of one part, with the
  /// defaults for all that flags do not say.
  ///
  /// @param part what of the model becomes Mixture-of-Experts
  /// @param family of the dense part, such as `mistral`
  /// @param target the model type of the result, such as `mixtral`
  public static RecipeText equivalent(Part part, String family, String target) {
    String name = family + "-auto";
    return new RecipeText(
        name,
        """
        # What a conversion without a recipe amounts to.
        recipe: 1
        name: %s
        source:
          %s: %s
        target: %s
        %s: {}
        """
            .formatted(
                YamlText.text(name),
                part.key(),
                YamlText.text(family),
                YamlText.text(target),
                part.key()));
  }

  /// Reads a recipe through all layers of precedence.
  ///
  /// @param text the recipe file
  /// @param settings flags and `--set`s in the order given; of equal rank the last wins
  /// @param environment the process's variables, of which those that the documentation names are
  ///   read
  /// @throws RecipeException with every complaint at once
  public static ResolvedRecipe resolve(
      RecipeText text, List<Setting> settings, Map<String, String> environment) {
    return new Resolver().resolve(text, settings, environment);
  }

  /// The JSON Schema (draft 2020-12) of the recipe file.
  public static String schema() {
    return Library.schema();
  }
}
