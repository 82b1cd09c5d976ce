package dev.upcycle.cli.command;

import dev.upcycle.recipe.Origin;
import dev.upcycle.recipe.ResolvedRecipe;
import dev.upcycle.recipe.Setting;
import dev.upcycle.recipe.Stage;
import dev.upcycle.recipe.Training;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import picocli.CommandLine.Option;

/// Other data for stages than their recipe names.
final class StageDataOption {
  @Option(
      names = "--data",
      paramLabel = "STAGE=PATH",
      description = "Other rows for a stage, or STAGE.validate for what measures it. Repeatable.")
  private List<String> data = new ArrayList<>();

  @Option(
      names = "--images",
      paramLabel = "STAGE=DIR",
      description = "Another folder of images for a stage. Repeatable.")
  private List<String> images = new ArrayList<>();

  /// The settings that they amount to.
  ///
  /// @param recipe that names the stages
  /// @param here what paths are relative to
  /// @throws UsageException when a stage is not known
  List<Setting> settings(ResolvedRecipe recipe, Path here) {
    SequencedMap<String, String> stages = keys(recipe);
    List<Setting> settings = new ArrayList<>();
    data.forEach(given -> settings.add(setting("--data", "path", given, stages).relativeTo(here)));
    images.forEach(
        given -> settings.add(setting("--images", "images", given, stages).relativeTo(here)));
    return settings;
  }

  /// Where a recipe keeps the data of each stage, and under a name of its own what the stage is
  /// measured on.
  private static SequencedMap<String, String> keys(ResolvedRecipe recipe) {
    List<Stage> stages = recipe.recipe().training().map(Training::stages).orElse(List.of());
    SequencedMap<String, String> keys = new LinkedHashMap<>();
    for (int index = 0; index < stages.size(); index++) {
      Stage stage = stages.get(index);
      String key = "train.stages.%d.".formatted(index);
      keys.put(stage.name(), key + "data");
      if (stage.validation().isPresent()) {
        keys.put(stage.name() + ".validate", key + "validate");
      }
    }
    return keys;
  }

  private static Setting setting(
      String option, String key, String given, SequencedMap<String, String> stages) {
    int split = given.indexOf('=');
    String section = split < 0 ? null : stages.get(given.substring(0, split));
    if (section == null) {
      throw new UsageException(
          "%s %s: expected STAGE=PATH, with one of the stages %s"
              .formatted(option, given, String.join(", ", stages.keySet())));
    }
    String path = given.substring(split + 1).replace("\\", "\\\\").replace("\"", "\\\"");
    return new Setting(
        new Origin(Origin.Kind.SET, option + " " + given), section + "." + key, "\"" + path + "\"");
  }
}
