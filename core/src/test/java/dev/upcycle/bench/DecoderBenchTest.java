package dev.upcycle.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.upcycle.bench.DecoderBench.Job;
import dev.upcycle.bench.DecoderBench.Setting;
import dev.upcycle.bench.DecoderShape.ExpertShape;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.kernels.bench.Turns;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.kernels.tensor.Tensors;
import dev.upcycle.model.DecoderModel;
import dev.upcycle.model.ModelOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class DecoderBenchTest {
  private static final DecoderShape TINY =
      new DecoderShape(new ExpertShape(32, 48, 4, 2), 2, 4, 2, 64);

  @ParameterizedTest
  @EnumSource(Job.class)
  void everyTurnTimesBothModels(Job job) {
    ComputeSettings settings = new ComputeSettings(ModelOptions.of("cpu", "bf16"), 1, 3);
    List<Integer> heard = new ArrayList<>();

    Turns result = DecoderBench.run(new Setting(job, TINY, 2, 16), settings, heard::add);

    assertThat(result.all()).hasSize(3);
    assertThat(result.all())
        .allSatisfy(turn -> {
          assertThat(turn.dense().wallSeconds()).isPositive();
          assertThat(turn.sparse().wallSeconds()).isPositive();
        });
    assertThat(result.tokensPerSecond()).isPositive();
    assertThat(heard).containsExactly(1, 2, 3, 4, 5);
  }

  @ParameterizedTest
  @ValueSource(strings = {"f32", "bf16"})
  void theMeasuredStepTrains(String dtype, @TempDir Path folder) {
    TINY.sparse().write(folder.resolve("model"));
    long[] tokens = LongStream.range(0, 32).map(place -> place * 7 % 64).toArray();
    try (TensorScope _ = TensorScope.open();
        DecoderModel model =
            DecoderModel.open(
                Checkpoint.open(folder.resolve("model")), ModelOptions.of("cpu", dtype));
        DecoderWork step =
            new DecoderWork.Step(model, Tensors.of(tokens).view(2, 16), Tensors.of(tokens))) {
      double first = step.once();
      double last = first;
      for (int i = 0; i < 60; i++) {
        last = step.once();
      }
      assertThat(last).isLessThan(0.9 * first);
    }
  }

  @Test
  void theBaselineIsAsWideAsTheExpertsOfAToken() {
    assertThat(TINY.dense().config().requireLong("intermediate_size")).isEqualTo(96);
    assertThat(TINY.sparse().config().requireLong("intermediate_size")).isEqualTo(48);
  }

  @Test
  void shapesThatCannotBeBuiltAreRefused() {
    assertThatIllegalArgumentException().isThrownBy(() -> new ExpertShape(32, 48, 2, 3));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new DecoderShape(new ExpertShape(32, 48, 4, 2), 2, 5, 1, 64));
    assertThatIllegalArgumentException().isThrownBy(() -> new Setting(Job.STEP, TINY, 1, 1));
  }
}
