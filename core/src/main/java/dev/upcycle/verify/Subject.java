package dev.upcycle.verify;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.Composition;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.convert.Manifest;
import dev.upcycle.recipe.Recipe;
import java.util.Optional;

/// A target under examination, and what it is held against.
///
/// @param target the target's headers and config
/// @param parts the target's parts
/// @param denseParts the source's parts
/// @param source the source's headers and config, when it was given
/// @param manifest what the target says about itself
/// @param recipe the recipe that lies beside the target, when it can be read
/// @param expected what the target must hold
record Subject(
    Checkpoint target,
    Composition parts,
    Composition denseParts,
    Optional<Checkpoint> source,
    Manifest manifest,
    Optional<Recipe> recipe,
    ExpectedTensors expected) {
  /// The target's family.
  Architecture family() {
    return parts.whole();
  }

  /// The source's family.
  Architecture dense() {
    return denseParts.whole();
  }
}
