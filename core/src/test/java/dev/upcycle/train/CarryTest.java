package dev.upcycle.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.checkpoint.safetensors.SafetensorsHeader;
import dev.upcycle.plan.PlanException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What a stage takes over of the schedule and of the data of the stage before.
class CarryTest {
  /// Rates so small that weights stay as they are: what a step loses tells which rows it read.
  private static final String STILL =
      """
      recipe: 1
      train:
        defaults:
          rates: {all: 1.0e-30}
          batch: 2
          steps: 3
          data: {path: dense/held-out.txt, max_tokens: 32}
        stages:
          - {name: first}
          - {name: second}
      """;

  private static final String FALLING =
      """
      recipe: 1
      train:
        defaults:
          rates: {all: 1.0e-3}
          batch: 2
          steps: 4
          data: {path: dense/held-out.txt, max_tokens: 16}
        stages:
          - {name: first, schedule: {kind: cosine, final: 0.25}}
          - {name: second, schedule: {kind: linear}, checkpoint: {every: 1}}
      """;

  private static final String KEEP_SCHEDULE = "train.stages.1.carry.schedule=keep";
  private static final String KEEP_DATA = "train.stages.1.carry.data=keep";

  @TempDir Path folder;
  private Runs runs;

  @BeforeEach
  void prepare() {
    runs = new Runs(folder);
  }

  /// Keeps the steps, and interrupts where it is told to.
  private static final class Heard implements TrainListener {
    final List<StepReport> steps = new ArrayList<>();
    final long interruptAt;

    Heard(long interruptAt) {
      this.interruptAt = interruptAt;
    }

    @Override
    public void stepped(StepReport step) {
      steps.add(step);
      if (step.step() == interruptAt) {
        Thread.currentThread().interrupt();
      }
    }

    List<Double> rates() {
      return steps.stream().map(StepReport::rate).toList();
    }

    List<Double> losses() {
      return steps.stream().map(step -> step.losses().crossEntropy()).toList();
    }
  }

  private Heard run(String out, String recipe, String... settings) {
    Heard heard = new Heard(-1);
    TrainRun.run(runs.request(recipe, settings), folder.resolve(out), TrainRun.Mode.FRESH, heard);
    return heard;
  }

  /// Steps that the moments of a tensor have taken in at the end of the second of two stages.
  private float steps(String moments, String tensor) {
    run(moments, Runs.TWO_STAGES, "train.stages.1.carry.moments=" + moments);
    Path file = folder.resolve(moments).resolve("checkpoints/step-8/optimizer.safetensors");
    TensorEntry steps =
        SafetensorsHeader.read(file).tensors().stream()
            .filter(entry -> entry.name().equals(tensor + ".steps"))
            .findFirst()
            .orElseThrow();
    try (FileChannel channel = FileChannel.open(file)) {
      ByteBuffer value = ByteBuffer.allocate(Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      channel.read(value, steps.offset());
      return value.getFloat(0);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "copy, model.layers.0.block_sparse_moe.experts.3.w1.weight, 8",
    "copy, model.layers.0.self_attn.q_proj.weight, 8",
    "copy, model.layers.0.block_sparse_moe.gate.weight, 4",
    "reset, model.layers.0.block_sparse_moe.experts.3.w1.weight, 4",
    "reset, model.layers.0.self_attn.q_proj.weight, 4"
  })
  void copiedMomentsReachEveryExpert(String moments, String tensor, float taken) {
    assertThat(steps(moments, tensor)).isEqualTo(taken);
  }

  @Test
  void aKeptScheduleStaysAtTheShareOfTheStageBefore() {
    List<Double> kept = run("kept", FALLING, KEEP_SCHEDULE).rates();
    assertThat(kept.get(3)).isLessThan(kept.get(0)).isGreaterThan(0.25e-3);
    assertThat(kept.subList(4, 8)).containsOnly(kept.get(3));
  }

  @Test
  void aScheduleThatIsResetBeginsAtThePeak() {
    List<Double> reset = run("reset", FALLING).rates();
    assertThat(reset.subList(4, 8)).first().isEqualTo(1e-3);
    assertThat(reset.subList(4, 8)).doesNotHaveDuplicates();
  }

  @Test
  void anInterruptedStageKeepsTheShareThatItWasGiven() {
    run("whole", FALLING, KEEP_SCHEDULE);
    TrainRun.Request request = runs.request(FALLING, KEEP_SCHEDULE);
    Path cut = folder.resolve("cut");
    assertThatThrownBy(() -> TrainRun.run(request, cut, TrainRun.Mode.FRESH, new Heard(6)))
        .isInstanceOf(CancellationException.class);
    Heard rest = new Heard(-1);
    TrainRun.run(request, cut, TrainRun.Mode.RESUME, rest);
    assertThat(rest.steps).hasSize(2);
    Runs.assertSameBytes(cut.resolve("final"), folder.resolve("whole/final"));
  }

  @Test
  void keptDataGoOnWhereTheStageBeforeStopped() {
    List<Double> kept = run("kept", STILL, KEEP_DATA).losses();
    List<Double> one =
        run("one", STILL.replace("- {name: second}", ""), "train.defaults.steps=6").losses();
    assertThat(kept).isEqualTo(one).doesNotHaveDuplicates();
  }

  @Test
  void dataThatAreRestartedBeginAgain() {
    List<Double> losses = run("restarted", STILL).losses();
    assertThat(losses.subList(3, 6)).isEqualTo(losses.subList(0, 3)).doesNotHaveDuplicates();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "train.stages.1.batch=3",
        "train.stages.1.data.path=dense/README.md",
        "train.stages.1.data.max_tokens=24"
      })
  void aPlaceInOtherDataOrInOtherBatchesIsRefusedBeforeAnyStep(String other) {
    String setting = other.replace("=dense", "=" + folder.resolve("dense"));
    Heard heard = new Heard(-1);
    TrainRun.Request request = runs.request(STILL, KEEP_DATA, setting);
    assertThatThrownBy(
            () -> TrainRun.run(request, folder.resolve("run"), TrainRun.Mode.FRESH, heard))
        .isInstanceOf(PlanException.class)
        .hasMessageContaining("train.stages.1.carry.data of stage second: found keep")
        .hasMessageContaining("than stage first before it; expected the same, or restart");
    assertThat(heard.steps).isEmpty();
    assertThat(folder.resolve("run")).doesNotExist();
  }
}
