package dev.upcycle.cli.command;

import dev.upcycle.recipe.Origin;
import dev.upcycle.recipe.ResolvedRecipe;
import dev.upcycle.recipe.Setting;
import dev.upcycle.recipe.Stage;
import dev.upcycle.recipe.Training;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;

/// Other data for stages than their recipe names.
final class StageDataOption {
  @Option(
      names = "--data",
      paramLabel = "STAGE=PATH",
      description = "Other rows for a stage. Repeatable.")
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
    List<String> stages =
        recipe.recipe().training().map(Training::stages).orElse(List.of()).stream()
            .map(Stage::name)
            .toList();
    List<Setting> settings = new ArrayList<>();
    data.forEach(given -> settings.add(setting("--data", "path", given, stages).relativeTo(here)));
    images.forEach(
        given -> settings.add(setting("--images", "images", given, stages).relativeTo(here)));
    return settings;
  }

  private static Setting setting(String option, String key, String given, List<String> stages) {
    int split = given.indexOf('=');
    int index = split < 0 ? -1 : stages.indexOf(given.substring(0, split));
    if (index < 0) {
      throw new UsageException(
          "%s %s: expected STAGE=PATH with one of the stages %s"
              .formatted(option, given, String.join(", ", stages)));
    }
    String path = given.substring(split + 1).replace("\\", "\\\\").replace("\"", "\\\"");
    return new Setting(
        new Origin(Origin.Kind.SET, option + " " + given),
        "train.stages.%d.data.%s".formatted(index, key),
        "\"" + path + "\"");
  }
}
