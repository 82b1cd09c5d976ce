package dev.upcycle.cli.command;

import dev.upcycle.recipe.Setting;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;

/// What a command line changes of a recipe, value by value.
final class SettingsOption {
  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "Replace the value at a key path of the recipe; the value is YAML. Repeatable.")
  private List<String> sets = new ArrayList<>();

  /// The settings in their order.
  ///
  /// @param here what paths in values are relative to
  List<Setting> settings(Path here) {
    return sets.stream().map(set -> SetArgument.parse(set).relativeTo(here)).toList();
  }
}
