package dev.upcycle.function;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.write.CheckpointWriter;
import dev.upcycle.convert.PlanExecutor;
import dev.upcycle.convert.Progress;
import dev.upcycle.plan.Planner;
import dev.upcycle.recipe.RecipeText;
import dev.upcycle.recipe.Recipes;
import dev.upcycle.recipe.ResolvedRecipe;
import dev.upcycle.recipe.Setting;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;

/// Targets as the conversion writes them.
final class Conversions {
  private Conversions() {}

  /// A shipped recipe with settings such as `seed=2`.
  static ResolvedRecipe recipe(String name, String... sets) {
    return recipe(Recipes.text(name, Path.of("")), sets);
  }

  static ResolvedRecipe recipe(RecipeText text, String... sets) {
    return Recipes.resolve(text, Arrays.stream(sets).map(Setting::parse).toList(), Map.of());
  }

  static Checkpoint convert(Checkpoint dense, ResolvedRecipe recipe, Path out) {
    PlanExecutor.run(
        Planner.plan(dense, recipe),
        dense,
        new PlanExecutor.Options(out, CheckpointWriter.Mode.FRESH, 1),
        Progress.SILENT);
    return Checkpoint.open(out);
  }
}
