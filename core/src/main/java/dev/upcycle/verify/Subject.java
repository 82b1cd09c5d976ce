package dev.upcycle.verify;

import dev.upcycle.arch.Architecture;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.convert.Manifest;
import dev.upcycle.recipe.Recipe;
import dev.upcycle.recipe.RouterInit;
import java.nio.file.Path;
import java.util.Optional;

/// A target under examination, and what it is held against.
///
/// @param target the target's headers and config
/// @param family the target's family
/// @param dense the source's family
/// @param source the source's headers and config, when it was given
/// @param manifest what the target says about itself
/// @param recipe the recipe that lies beside the target, when it can be read
/// @param expected what the target must hold
record Subject(
    Checkpoint target,
    Architecture family,
    Architecture dense,
    Optional<Checkpoint> source,
    Manifest manifest,
    Optional<Recipe> recipe,
    ExpectedTensors expected) {
  /// The file that the recipe takes routers from; empty where they are drawn.
  Optional<Path> routerFile() {
    return recipe
        .flatMap(Recipe::language)
        .map(language -> language.router().init())
        .flatMap(init ->
            init instanceof RouterInit.File(Path path) ? Optional.of(path) : Optional.empty());
  }
}
