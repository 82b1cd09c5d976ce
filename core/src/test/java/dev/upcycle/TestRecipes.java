package dev.upcycle;

import dev.upcycle.recipe.Origin;
import dev.upcycle.recipe.RecipeText;
import dev.upcycle.recipe.Recipes;
import dev.upcycle.recipe.ResolvedRecipe;
import dev.upcycle.recipe.Setting;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// Recipes for tests, read by the one reader.
public final class TestRecipes {
  private static final String FOUR_BY_TWO =
      """
      recipe: 1
      name: four-by-two
      source: {language: [mistral, llama]}
      target: auto
      seed: 7
      language:
        experts: {count: 4, per_token: 2}
        router: {init: {kind: normal, std: 0.5}}
      """;

  private TestRecipes() {}

  /// Four experts, two per token, routers drawn with std 0.5, changed by settings such as
  /// `language.experts.count=8`.
  public static ResolvedRecipe fourByTwo(String... settings) {
    List<Setting> parsed = new ArrayList<>();
    for (String setting : settings) {
      int equals = setting.indexOf('=');
      parsed.add(
          new Setting(
              new Origin(Origin.Kind.SET, "--set"),
              setting.substring(0, equals),
              setting.substring(equals + 1)));
    }
    return Recipes.resolve(new RecipeText("four-by-two.yaml", FOUR_BY_TWO), parsed, Map.of());
  }
}
