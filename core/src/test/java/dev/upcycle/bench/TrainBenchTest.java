package dev.upcycle.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.upcycle.bench.DecoderShape.ExpertShape;
import dev.upcycle.bench.TrainBench.Result;
import dev.upcycle.bench.TrainBench.Setting;
import dev.upcycle.kernels.bench.Timing;
import dev.upcycle.model.ModelOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TrainBenchTest {
  private static final DecoderShape TINY =
      new DecoderShape(new ExpertShape(32, 48, 4, 2), 2, 4, 2, 1024);

  @ParameterizedTest
  @ValueSource(strings = {"f32", "bf16"})
  void everyTurnTimesAsManyTokensOfTheRunAsOfTheBareStep(String dtype, @TempDir Path folder)
      throws Exception {
    ComputeSettings settings = new ComputeSettings(ModelOptions.of("cpu", dtype), 1, 2);
    List<Integer> heard = new ArrayList<>();

    Result result = TrainBench.run(new Setting(TINY, 2, 16, 4), settings, folder, heard::add);

    assertThat(result.turns())
        .hasSize(2)
        .allSatisfy(turn -> {
          assertThat(turn.loop().tokens()).isEqualTo(4 * 2 * 16);
          assertThat(turn.bare().tokens()).isEqualTo(turn.loop().tokens());
          assertThat(turn.loop().time().wallSeconds()).isPositive();
          assertThat(turn.bare().time().wallSeconds()).isPositive();
          assertThat(turn.stall()).isNotZero();
        });
    assertThat(heard).containsExactly(1, 2, 3, 4);
    assertThat(result.images().prepared()).isPositive();
    assertThat(result.images().consumed()).isPositive();
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void ratioIsTheSpeedOfTheRunInUnitsOfTheBareStep() {
    TrainTurn turn =
        new TrainTurn(
            new TrainTurn.Side(100, new Timing(4, 6)),
            new TrainTurn.Side(100, new Timing(3, 3)),
            0.5);
    assertThat(turn.ratio()).isEqualTo(0.75);
    assertThat(turn.cpuRatio()).isEqualTo(0.5);
  }

  @Test
  void figuresAreMediansOfTheTurns() {
    ImageRates images = new ImageRates(1, 1, 1);
    List<TrainTurn> turns = List.of(turn(4, 0.1), turn(1, 7), turn(2, 0.2));
    Result result = new Result(turns, 3, images);
    assertThat(result.ratio()).isEqualTo(0.5);
    assertThat(result.tokensPerSecond()).isEqualTo(50);
    assertThat(result.bareTokensPerSecond()).isEqualTo(100);
    assertThat(result.stall()).isEqualTo(0.2);
  }

  private static TrainTurn turn(double seconds, double stall) {
    return new TrainTurn(
        new TrainTurn.Side(100, new Timing(seconds, 1)),
        new TrainTurn.Side(100, new Timing(1, 1)),
        stall);
  }

  @Test
  void checkpointsLieWithinEveryTurnButTheFirst() {
    Setting setting = new Setting(TINY, 1, 2, 5);
    assertThat(List.of(setting.end(0), setting.end(1), setting.end(2))).containsExactly(2, 7, 12);
  }

  @Test
  void settingsWithoutAnythingToMeasureAreRefused() {
    assertThatIllegalArgumentException().isThrownBy(() -> new Setting(TINY, 0, 2, 5));
    assertThatIllegalArgumentException().isThrownBy(() -> new Setting(TINY, 1, 1, 5));
    assertThatIllegalArgumentException().isThrownBy(() -> new Setting(TINY, 1, 2, 1));
    DecoderShape narrow = new DecoderShape(new ExpertShape(32, 48, 4, 2), 2, 4, 2, 64);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Setting(narrow, 1, 2, 5))
        .withMessageContaining("a vocabulary of 64, the tokenizer of the drawn data has");
  }
}
