package dev.upcycle.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.upcycle.bench.DecoderShape.ExpertShape;
import dev.upcycle.bench.TowerBench.Setting;
import dev.upcycle.kernels.bench.Turns;
import dev.upcycle.model.ModelOptions;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TowerBenchTest {
  private static final TowerShape TINY =
      new TowerShape(new ExpertShape(32, 48, 4, 2), 2, 4, 28, 14);

  @ParameterizedTest
  @ValueSource(strings = {"f32", "bf16"})
  void everyTurnTimesBothTowers(String dtype) {
    ComputeSettings settings = new ComputeSettings(ModelOptions.of("cpu", dtype), 1, 2);
    List<Integer> heard = new ArrayList<>();

    Turns result = TowerBench.run(new Setting(TINY, 3), settings, heard::add);

    assertThat(result.tokens()).isEqualTo(15);
    assertThat(result.all())
        .hasSize(2)
        .allSatisfy(turn -> {
          assertThat(turn.dense().wallSeconds()).isPositive();
          assertThat(turn.sparse().wallSeconds()).isPositive();
        });
    assertThat(heard).containsExactly(1, 2, 3, 4);
  }

  @Test
  void theBaselineIsAsWideAsTheExpertsOfAPlace() {
    assertThat(TINY.dense().config().requireLong("intermediate_size")).isEqualTo(96);
    assertThat(TINY.sparse().config().requireLong("intermediate_size")).isEqualTo(48);
  }

  @Test
  void shapesThatCannotBeBuiltAreRefused() {
    ExpertShape experts = new ExpertShape(32, 48, 4, 2);
    assertThatIllegalArgumentException().isThrownBy(() -> new TowerShape(experts, 2, 5, 28, 14));
    assertThatIllegalArgumentException().isThrownBy(() -> new TowerShape(experts, 2, 4, 30, 14));
    assertThatIllegalArgumentException().isThrownBy(() -> new TowerShape(experts, 2, 4, 7, 14));
    assertThatIllegalArgumentException().isThrownBy(() -> new Setting(TINY, 0));
  }
}
