package dev.upcycle.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.TensorEntry;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.concurrent.CancellationException;
import java.util.stream.LongStream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Which model a stage leaves, when it ends, and what stays of its checkpoints.
class ResultTest {
  /// The rate rises until the model only gets worse.
  private static final String ONE_STAGE =
      """
      recipe: 1
      train:
        stages:
          - name: dense
            rates: {all: 1.0e-1}
            schedule: {warmup: {ratio: 1}}
            batch: 4
            micro_batch: 4
            steps: 12
            data: {path: dense/held-out.txt, max_tokens: 24}
            validate: {path: dense/held-out.txt, every: 2, rows: 4}
      """;

  @TempDir Path folder;
  private Runs runs;

  @BeforeEach
  void prepare() {
    runs = new Runs(folder);
  }

  /// Keeps the measurements, and interrupts where it is told to.
  private static final class Heard implements TrainListener {
    final List<Double> losses = new ArrayList<>();
    final long interruptAt;
    OptionalDouble last = OptionalDouble.empty();
    long taken;

    Heard(long interruptAt) {
      this.interruptAt = interruptAt;
    }

    @Override
    public void stepped(StepReport step) {
      taken = step.step();
      if (step.step() == interruptAt) {
        Thread.currentThread().interrupt();
      }
    }

    @Override
    public void validated(long step, ValidationLoss loss) {
      losses.add(loss.mean());
    }

    @Override
    public void ended(StageSummary stage, OptionalDouble validation) {
      last = validation;
    }
  }

  private Heard run(String out, String... settings) {
    Heard heard = new Heard(-1);
    TrainRun.run(
        runs.request(ONE_STAGE, settings), folder.resolve(out), TrainRun.Mode.FRESH, heard);
    return heard;
  }

  private static JsonNode json(Path file) throws IOException {
    return JsonMapper.shared().readTree(Files.readString(file));
  }

  private JsonNode origin(String out) throws IOException {
    return json(folder.resolve(out).resolve("final/training.json"));
  }

  private static byte[] weights(Path model) throws IOException {
    return Files.readAllBytes(model.resolve("model.safetensors"));
  }

  @Test
  void theLastModelIsTheResultUnlessTheRecipeSaysOtherwise() throws IOException {
    run("run");
    assertThat(origin("run").path("step").asLong()).isEqualTo(12);
    assertThat(weights(folder.resolve("run/final")))
        .isEqualTo(weights(folder.resolve("run/checkpoints/step-12/model")));
  }

  @Test
  void theBestModelIsTheResultWhereTheRecipeSaysSo() throws IOException {
    Heard heard = run("run", "train.stages.0.validate.result=best");
    double best = heard.losses.stream().mapToDouble(Double::doubleValue).min().orElseThrow();
    long step = 2L * (heard.losses.indexOf(best) + 1);
    assertThat(step).as("losses " + heard.losses).isLessThan(12);
    assertThat(origin("run").path("step").asLong()).isEqualTo(step);
    assertThat(origin("run").path("validation_loss").asDouble()).isEqualTo(best);
    assertThat(weights(folder.resolve("run/final")))
        .isEqualTo(weights(folder.resolve("run/checkpoints/step-%d/model".formatted(step))))
        .isNotEqualTo(weights(folder.resolve("run/checkpoints/step-12/model")));
  }

  @Test
  void theNextStageBeginsWithTheBestModel() {
    String second =
        """
            - name: second
              rates: {all: 1.0e-30}
              batch: 4
              micro_batch: 4
              steps: 1
              data: {path: dense/held-out.txt, max_tokens: 24}
              validate: {path: dense/held-out.txt, rows: 4}
        """;
    Heard heard = new Heard(-1);
    TrainRun.run(
        runs.request(ONE_STAGE + second, "train.stages.0.validate.result=best"),
        folder.resolve("run"),
        TrainRun.Mode.FRESH,
        heard);
    List<Double> first = heard.losses.subList(0, 6);
    double best = first.stream().mapToDouble(Double::doubleValue).min().orElseThrow();
    assertThat(first.getLast()).isGreaterThan(best);
    assertThat(heard.losses.getLast()).isCloseTo(best, Offset.offset(1e-6));
  }

  @Test
  void theStageEndsWhenPatienceDoes() throws IOException {
    Heard heard = run("run", "train.stages.0.validate.patience=1");
    int worse = 1;
    while (heard.losses.get(worse) < heard.losses.get(worse - 1)) {
      worse++;
    }
    assertThat(heard.losses).hasSize(worse + 1);
    assertThat(heard.taken).isEqualTo(2L * (worse + 1)).isLessThan(12);
    assertThat(heard.last).hasValue(heard.losses.getLast());
    assertThat(origin("run").path("last_step").asLong()).isEqualTo(heard.taken);
  }

  @Test
  void patienceEndsAnInterruptedStageWhereItEndsTheWholeOne() {
    Heard whole = run("whole", "train.stages.0.validate.patience=1");
    TrainRun.Request request = runs.request(ONE_STAGE, "train.stages.0.validate.patience=1");
    assertThatThrownBy(() ->
            TrainRun.run(
                request, folder.resolve("cut"), TrainRun.Mode.FRESH, new Heard(whole.taken)))
        .isInstanceOf(CancellationException.class);
    TrainRun.run(request, folder.resolve("cut"), TrainRun.Mode.RESUME, TrainListener.SILENT);
    Runs.assertSameBytes(folder.resolve("cut/final"), folder.resolve("whole/final"));
    assertThat(folder.resolve("cut/1-dense/metrics.jsonl"))
        .hasSameTextualContentAs(folder.resolve("whole/1-dense/metrics.jsonl"));
  }

  @Test
  void theNewestTwoTheBestAndEveryFifthCheckpointStay() {
    Heard heard =
        run("run", "train.stages.0.checkpoint.every=1", "train.stages.0.checkpoint.keep_every=5");
    double best = heard.losses.stream().mapToDouble(Double::doubleValue).min().orElseThrow();
    long step = 2L * (heard.losses.indexOf(best) + 1);
    String[] kept =
        LongStream.of(5, 10, 11, 12, step)
            .distinct()
            .mapToObj(each -> "step-" + each)
            .toArray(String[]::new);
    assertThat(folder.resolve("run/checkpoints").toFile().list()).containsExactlyInAnyOrder(kept);
  }

  @Test
  void aResumedStageOutlivesTheCheckpointThatItBeganWith() {
    String[] settings = {
      "train.stages.0.checkpoint.every=1", "train.stages.0.rates={\"*.mlp.*\": 1.0e-3}"
    };
    run("whole", settings);
    TrainRun.Request request = runs.request(ONE_STAGE, settings);
    assertThatThrownBy(
            () -> TrainRun.run(request, folder.resolve("cut"), TrainRun.Mode.FRESH, new Heard(3)))
        .isInstanceOf(CancellationException.class);
    TrainRun.run(request, folder.resolve("cut"), TrainRun.Mode.RESUME, TrainListener.SILENT);
    Runs.assertSameBytes(folder.resolve("cut/final"), folder.resolve("whole/final"));
    assertThat(folder.resolve("cut/checkpoints").toFile().list())
        .containsExactlyInAnyOrder(folder.resolve("whole/checkpoints").toFile().list());
  }

  @Test
  void theMovingAverageFollowsEachStepAndIsTheResult() throws IOException {
    run(
        "run",
        "train.stages.0.ema=0.7",
        "train.stages.0.steps=3",
        "train.stages.0.checkpoint.every=1",
        "train.stages.0.checkpoint.keep_every=1");
    for (int step = 2; step <= 3; step++) {
      float[] before =
          numbers(folder.resolve("run/checkpoints/step-%d/average".formatted(step - 1)));
      float[] after = numbers(folder.resolve("run/checkpoints/step-%d/average".formatted(step)));
      float[] weights = numbers(folder.resolve("run/checkpoints/step-%d/model".formatted(step)));
      double largest = 0;
      double moved = 0;
      for (int i = 0; i < after.length; i++) {
        largest = Math.max(largest, Math.abs(0.7 * before[i] + 0.3 * weights[i] - after[i]));
        moved = Math.max(moved, Math.abs(after[i] - weights[i]));
      }
      assertThat(largest).isLessThan(1e-6);
      assertThat(moved).isGreaterThan(1e-3);
    }
    assertThat(origin("run").path("averaged").asBoolean()).isTrue();
    assertThat(weights(folder.resolve("run/final")))
        .isEqualTo(weights(folder.resolve("run/checkpoints/step-3/average")));
  }

  /// One tensor that trains.
  private static float[] numbers(Path model) {
    Checkpoint checkpoint = Checkpoint.open(model);
    TensorEntry entry = checkpoint.require("model.layers.0.mlp.down_proj.weight");
    try (Arena arena = Arena.ofConfined()) {
      return checkpoint.map(entry, arena).toArray(ValueLayout.JAVA_FLOAT_UNALIGNED);
    }
  }

  @Test
  void theAverageIsWhatIsMeasured() {
    Heard plain = run("plain", "train.stages.0.steps=4");
    Heard averaged = run("averaged", "train.stages.0.steps=4", "train.stages.0.ema=0.9999999");
    assertThat(averaged.losses.getFirst()).isNotEqualTo(plain.losses.getFirst());
    assertThat(averaged.losses.getLast())
        .isCloseTo(averaged.losses.getFirst(), Offset.offset(1e-4));
    assertThat(Math.abs(plain.losses.getLast() - plain.losses.getFirst())).isGreaterThan(1e-2);
  }

  @ParameterizedTest
  @ValueSource(strings = {"f32", "bf16"})
  void anInterruptedAverageGoesOnToTheSameBytes(String precision) {
    String[] settings = {
      "train.stages.0.ema=0.9", "train.stages.0.steps=5", "train.stages.0.precision=" + precision
    };
    run("whole", settings);
    TrainRun.Request request = runs.request(ONE_STAGE, settings);
    assertThatThrownBy(
            () -> TrainRun.run(request, folder.resolve("cut"), TrainRun.Mode.FRESH, new Heard(3)))
        .isInstanceOf(CancellationException.class);
    TrainRun.run(request, folder.resolve("cut"), TrainRun.Mode.RESUME, TrainListener.SILENT);
    Runs.assertSameBytes(folder.resolve("cut/final"), folder.resolve("whole/final"));
    Runs.assertSameBytes(
        folder.resolve("cut/checkpoints/step-5"), folder.resolve("whole/checkpoints/step-5"));
  }
}
