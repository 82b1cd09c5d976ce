package dev.upcycle.bench;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.data.ModelInput;
import dev.upcycle.data.StageData;
import dev.upcycle.kernels.bench.Median;
import dev.upcycle.recipe.Recipes;
import dev.upcycle.recipe.ResolvedRecipe;
import dev.upcycle.recipe.Setting;
import dev.upcycle.recipe.Stage;
import dev.upcycle.sample.DrawnData;
import dev.upcycle.sample.DrawnModel;
import dev.upcycle.train.TrainRun;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// How fast images become batches, and how fast the model of `quickstart cumo` learns from them: in
/// its first stage, whose steps are the shortest and whose rows have an image each.
///
/// @param prepared images of a second, with their texts
/// @param consumed images of a second, by steps whose batch is there
/// @param ratio of the two, the median over the turns
public record ImageRates(double prepared, double consumed, double ratio) {
  /// Measures in turns after one that warms up.
  ///
  /// @param folder is made
  static ImageRates measure(Path folder, ComputeSettings settings) throws InterruptedException {
    DrawnData.writeTo(folder.resolve("data"));
    Path model = folder.resolve("dense");
    DrawnModel.writeTo(model);
    DrawnModel.writeRecipesTo(folder, List.of(DrawnModel.STAGES));
    String precision = settings.options().compute().name().toLowerCase(Locale.ROOT);
    ResolvedRecipe recipe =
        Recipes.resolve(
            Recipes.text(DrawnModel.STAGES, folder),
            List.of(Setting.parse("train.defaults.precision=" + precision)),
            Map.of());
    TrainRun.Request request =
        new TrainRun.Request(
            Checkpoint.open(model), recipe, settings.options().device(), settings.threads());
    List<ImageRates> turns = new ArrayList<>();
    for (int turn = 0; turn <= settings.turns(); turn++) {
      turns.add(once(request));
    }
    List<ImageRates> warm = turns.subList(1, turns.size());
    return new ImageRates(
        Median.of(warm.stream().mapToDouble(ImageRates::prepared)),
        Median.of(warm.stream().mapToDouble(ImageRates::consumed)),
        Median.of(warm.stream().mapToDouble(ImageRates::ratio)));
  }

  private static ImageRates once(TrainRun.Request request) throws InterruptedException {
    Stage first = request.recipe().recipe().training().orElseThrow().stages().getFirst();
    int batch = first.pace().batch();
    try (ModelInput input = ModelInput.of(request.source())) {
      double prepared =
          DataBench.imagesPerSecond(new StageData(first.data(), input), batch, request.threads());
      double consumed = batch / TrainRun.preview(request).secondsPerStep();
      return new ImageRates(prepared, consumed, prepared / consumed);
    }
  }
}
