package dev.upcycle.recipe;

import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// How the result is trained.
///
/// @param stages in the order in which they run, at least one, no name twice
public record Training(List<Stage> stages) {
  /// Takes a copy; refuses none, and two of one name.
  public Training {
    stages = List.copyOf(stages);
    Set<String> names = new HashSet<>();
    if (stages.isEmpty() || !stages.stream().allMatch(stage -> names.add(stage.name()))) {
      throw new IllegalArgumentException("stages " + stages.stream().map(Stage::name).toList());
    }
  }
}
