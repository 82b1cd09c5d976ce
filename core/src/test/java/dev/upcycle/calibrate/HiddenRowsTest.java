package dev.upcycle.calibrate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.upcycle.calibrate.Passage.Stance;
import dev.upcycle.calibrate.RouterKind.Tokens;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.kernels.tensor.Tensors;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class HiddenRowsTest {
  private TensorScope scope = TensorScope.detached();

  @BeforeEach
  void openScope() {
    scope = TensorScope.open();
  }

  @AfterEach
  void closeScope() {
    scope.close();
  }

  /// States of one passage, two channels for each token.
  private static Tensor states(float... values) {
    return Tensors.of(values, 1, values.length / 2, 2);
  }

  private static Passage passage(int expert, Stance stance) {
    return new Passage(expert, stance, List.of(0L));
  }

  private static List<Double> row(RouterRows rows, int expert) {
    return List.of(rows.at(expert, 0), rows.at(expert, 1));
  }

  private static void assertRow(RouterRows rows, int expert, double first, double second) {
    assertThat(row(rows, expert).getFirst()).isCloseTo(first, within(1e-7));
    assertThat(row(rows, expert).getLast()).isCloseTo(second, within(1e-7));
  }

  @Test
  void rowIsTheNormalisedMeanOverPassagesOfTheirMeansOverTokens() {
    // Means (2, 0) and (4, 8), together (3, 4), of norm 5; a mean over the three tokens would give
    // another direction.
    RouterRows rows =
        HiddenRows.unit(
            List.of(passage(0, Stance.FOR), passage(0, Stance.FOR)),
            List.of(states(1, 1, 3, -1), states(4, 8)),
            Tokens.ALL);

    assertRow(rows, 0, 0.6, 0.8);
  }

  @Test
  void lastTokensAloneCountWhereTheyAreAskedFor() {
    RouterRows rows =
        HiddenRows.unit(
            List.of(passage(0, Stance.FOR), passage(1, Stance.FOR)),
            List.of(states(9, 9, 3, 4), states(5, 5, 0, -2)),
            Tokens.LAST);

    assertRow(rows, 0, 0.6, 0.8);
    assertRow(rows, 1, 0, -1);
  }

  @Test
  void meanOfNegativeTextsIsTakenAway() {
    RouterRows rows =
        HiddenRows.unit(
            List.of(passage(0, Stance.FOR), passage(0, Stance.AGAINST), passage(0, Stance.AGAINST)),
            List.of(states(4, 6), states(0, 1), states(2, 3)),
            Tokens.ALL);

    // (4, 6) - (1, 2)
    assertRow(rows, 0, 0.6, 0.8);
  }

  @Test
  void textsThatCancelGiveNoDirection() {
    assertThatThrownBy(() ->
            HiddenRows.unit(
                List.of(passage(0, Stance.FOR), passage(0, Stance.AGAINST)),
                List.of(states(1, 2), states(1, 2)),
                Tokens.ALL))
        .isInstanceOf(CalibrationException.class)
        .hasMessageContaining("expert 0 has no direction");
  }
}
