package dev.upcycle.calibrate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.upcycle.calibrate.Passage.Stance;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.kernels.tensor.Tensors;
import java.util.List;
import org.junit.jupiter.api.Test;

class LogitSampleTest {
  private static final RouterRows AXES = RouterRows.unit(new double[][] {{2, 0}, {0, 5}});

  @Test
  void figuresAreThoseOfHandComputedLogits() {
    try (TensorScope _ = TensorScope.open()) {
      RouterTokens tokens =
          new RouterTokens(Tensors.of(new float[] {3, 1, 5, 5, 0, 4}, 3, 2), List.of(0, 1, 1));

      LogitSample sample = LogitSample.of(AXES, tokens);

      // Logits (3, 1), (5, 5), (0, 4): deviations 1, 0, 2, each twice.
      assertThat(sample.std()).isCloseTo(Math.sqrt(10.0 / 6), within(1e-12));
      assertThat(sample.tokens()).containsExactly(2L, 1L);
      assertThat(sample.own()).isCloseTo(2.0 / 3, within(1e-12));
    }
  }

  @Test
  void logitStdChoosesTheNormThatGivesIt() {
    assertThat(new RowScale.LogitStd(1).norm(0.25)).isEqualTo(4);
    assertThat(new RowScale.Norm(3).norm(0.25)).isEqualTo(3);
    assertThatThrownBy(() -> new RowScale.LogitStd(1).norm(0))
        .isInstanceOf(CalibrationException.class)
        .hasMessageContaining("all experts' logits are equal");
    assertThatThrownBy(() -> new RowScale.Norm(0)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void firstTokenOfAPassageAndTextsThatNoExpertShouldTakeStayOut() {
    try (TensorScope _ = TensorScope.open()) {
      RouterTokens tokens =
          RouterTokens.of(
              List.of(
                  new Passage(0, Stance.FOR, List.of(1L, 2L, 3L)),
                  new Passage(0, Stance.AGAINST, List.of(4L, 5L)),
                  new Passage(1, Stance.FOR, List.of(6L))),
              List.of(
                  Tensors.of(new float[] {1, 2, 3}, 1, 3, 1),
                  Tensors.of(new float[] {4, 5}, 1, 2, 1),
                  Tensors.of(new float[] {6}, 1, 1, 1)));

      assertThat(tokens.rows().reshape(-1).toFloats()).containsExactly(2, 3, 6);
      assertThat(tokens.experts()).containsExactly(0, 0, 1);
    }
  }
}
