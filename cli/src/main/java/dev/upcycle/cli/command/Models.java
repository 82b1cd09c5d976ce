package dev.upcycle.cli.command;

import dev.upcycle.checkpoint.ModelLocation;
import dev.upcycle.cli.terminal.Surroundings;
import java.nio.file.Files;
import java.nio.file.Path;

/// Finds the models that a user names.
final class Models {
  private Models() {}

  /// The directory or file that the user means: a path, or `org/name` in the local Hugging Face
  /// cache.
  static Path locate(String model, Surroundings surroundings) {
    Path path = surroundings.resolve(Path.of(model));
    return Files.exists(path) ? path : ModelLocation.resolve(model, surroundings.environment());
  }
}
