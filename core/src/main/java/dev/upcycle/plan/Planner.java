package dev.upcycle.plan;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.recipe.ResolvedRecipe;

/// Turns source headers, a config and a recipe into a plan; reads no tensor bytes but those of
/// biases that must be zero.
public final class Planner {
  private Planner() {}

  /// Plans a conversion of a checkpoint.
  ///
  /// @throws PlanException when the source cannot become what the recipe asks for
  public static UpcyclePlan plan(Checkpoint source, ResolvedRecipe recipe) {
    throw new UnsupportedOperationException();
  }

  /// Plans from a bare config, as though the checkpoint held exactly what the family's templates
  /// say.
  public static UpcyclePlan plan(ModelConfig source, ResolvedRecipe recipe) {
    throw new UnsupportedOperationException();
  }
}
