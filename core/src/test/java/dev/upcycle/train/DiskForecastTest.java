package dev.upcycle.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.checkpoint.write.ResourceException;
import dev.upcycle.recipe.Stage;
import dev.upcycle.sample.Directories;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.LongStream;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What a run is said to need, against what one leaves.
class DiskForecastTest {
  /// Headers, configs, manifests and metrics are left out of a forecast: 0.13 to 0.22 % of what
  /// these runs leave.
  private static final Percentage NEAR = Percentage.withPercentage(0.5);

  @TempDir private Path folder;

  private static DiskForecast forecast(TrainRun.Request request) {
    List<Stage> stages = request.recipe().recipe().training().orElseThrow().stages();
    return RunDisk.forecast(
        request.source(), stages, PlannedModel.of(request.source(), request.recipe(), stages));
  }

  private Path run() {
    return folder.resolve("run");
  }

  private TrainRun.Place place(TrainRun.Mode mode) {
    return new TrainRun.Place(run(), mode, Set.of());
  }

  private long checkpoints(long... steps) throws IOException {
    long bytes = 0;
    for (long step : LongStream.of(steps).toArray()) {
      bytes += Directories.bytes(run().resolve("checkpoints/step-" + step));
    }
    return bytes;
  }

  @ParameterizedTest
  @ValueSource(strings = {"f32", "bf16"})
  void aRunThatRemovesNoCheckpointShowsWhatLiesThereAtOnce(String precision) throws IOException {
    TrainRun.Request request =
        new Runs(folder)
            .request(
                Runs.THREE_STAGES,
                "train.defaults.checkpoint.keep_every=1",
                "train.stages.1.precision=" + precision,
                "train.stages.2.steps=5");
    TrainRun.run(request, run(), TrainRun.Mode.FRESH, TrainListener.SILENT);
    DiskForecast forecast = forecast(request);
    // When the last is written: the one that its stage began with, the best and the newest two.
    assertThat(forecast.checkpoints()).isCloseTo(checkpoints(8, 10, 10, 12, 13), NEAR);
    assertThat(forecast.upcycled())
        .isCloseTo(Directories.bytes(run().resolve("2-sparse/upcycled")), NEAR);
    // Measured after each of its steps, the last stage may save as often.
    assertThat(forecast.kept().orElseThrow())
        .isCloseTo(checkpoints(2, 4, 6, 8, 10, 10, 10, 12, 13), NEAR);
    assertThat(Directories.bytes(run()))
        .isLessThan(forecast.bytes() + forecast.kept().orElseThrow());
  }

  @Test
  void theEndOfAStageIsKeptToo() throws IOException {
    TrainRun.Request request =
        new Runs(folder).request(Runs.TWO_STAGES, "train.defaults.checkpoint={keep_every: 4}");
    TrainRun.run(request, run(), TrainRun.Mode.FRESH, TrainListener.SILENT);
    assertThat(forecast(request).kept().orElseThrow()).isCloseTo(checkpoints(4, 8), NEAR);
  }

  @Test
  void howMuchIsKeptOfAsManyStepsAsTheDataGiveIsNotSaid() {
    String endless = Runs.TWO_STAGES.replace("    steps: 4\n", "");
    assertThat(endless).isNotEqualTo(Runs.TWO_STAGES);
    assertThat(
            forecast(
                    new Runs(folder)
                        .request(endless, "train.defaults.checkpoint={every: 2, keep_every: 4}"))
                .kept())
        .isEmpty();
  }

  @Test
  void theFolderNeverHoldsMoreAndInTheEndTheResultToo() throws IOException {
    TrainRun.Request request = new Runs(folder).request(Runs.TWO_STAGES);
    DiskForecast forecast = forecast(request);
    TrainRun.run(request, run(), TrainRun.Mode.FRESH, TrainListener.SILENT);
    assertThat(forecast.bytes()).isCloseTo(Directories.bytes(run()), NEAR);
    assertThat(forecast.result()).isCloseTo(Directories.bytes(run().resolve("final")), NEAR);
    assertThat(forecast.kept()).hasValue(0);
  }

  @Test
  void aDiskThatHasLessEndsTheRunBeforeItBegins() {
    TrainRun.Request request = new Runs(folder).request(Runs.TWO_STAGES);
    long needed = forecast(request).bytes();
    assertThatThrownBy(() ->
            TrainRun.run(
                request, place(TrainRun.Mode.FRESH), TrainListener.SILENT, _ -> needed - 1))
        .isInstanceOf(ResourceException.class)
        .hasMessageContaining("the run needs ")
        .hasMessageContaining(": checkpoints ")
        .hasMessageContaining(", upcycled ")
        .hasMessageContaining(", final ");
    assertThat(run()).doesNotExist();
    TrainRun.run(request, place(TrainRun.Mode.FRESH), TrainListener.SILENT, _ -> needed);
    assertThat(run().resolve("final")).isDirectory();
  }

  @Test
  void whatARunHasWrittenAlreadyIsPartOfWhatItNeeds() {
    TrainRun.Request request = new Runs(folder).request(Runs.TWO_STAGES);
    TrainRun.run(request, run(), TrainRun.Mode.FRESH, TrainListener.SILENT);
    TrainRun.Result again =
        TrainRun.run(request, place(TrainRun.Mode.RESUME), TrainListener.SILENT, _ -> 0);
    assertThat(again.steps()).isEqualTo(8);
  }
}
