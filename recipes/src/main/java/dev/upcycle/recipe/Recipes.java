package dev.upcycle.recipe;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/// The one reader of recipes, the shipped ones among them.
public final class Recipes {
  private Recipes() {}

  /// The names of the shipped recipes, sorted.
  public static List<String> shipped() {
    throw new UnsupportedOperationException();
  }

  /// The text of a shipped recipe, or of the file at this path (a name with a separator or `.yaml`
  /// is a path).
  ///
  /// @param workingDirectory what a relative path is relative to
  /// @throws RecipeException with the nearest names when there is none
  public static RecipeText text(String nameOrPath, Path workingDirectory) {
    throw new UnsupportedOperationException();
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
    throw new UnsupportedOperationException();
  }

  /// The JSON Schema (draft 2020-12) of the recipe file.
  public static String schema() {
    throw new UnsupportedOperationException();
  }
}
