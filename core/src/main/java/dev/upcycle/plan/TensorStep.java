package dev.upcycle.plan;

import dev.upcycle.arch.Role;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.checkpoint.TensorSpec;
import dev.upcycle.recipe.RouterInit;
import java.util.OptionalInt;

/// How one tensor of the target comes to be.
public sealed interface TensorStep {
  /// The tensor that the step makes.
  TensorSpec target();

  /// What the target tensor does.
  Role role();

  /// A source tensor under its own name, bytes unchanged or cast.
  record PassThrough(TensorSpec target, Role role, TensorEntry source) implements TensorStep {}

  /// A dense feed-forward matrix as one expert's matrix, bytes unchanged or cast.
  record CopyToExpert(
      TensorSpec target, Role role, TensorEntry source, OptionalInt layer, int expert)
      implements TensorStep {}

  /// A fresh router, drawn from a seed of its own.
  ///
  /// @param seed derived from the recipe's seed and the target's name
  record NewRouter(TensorSpec target, Role role, RouterInit.Drawn init, long seed)
      implements TensorStep {}
}
