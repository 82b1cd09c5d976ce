package dev.upcycle.bench;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.model.ModelOptions;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class TurnsTest {
  @Test
  void ratioIsTheMedianOfTheTurnsAndNotOfTheSides() {
    Turns turns = new Turns(6, List.of(turn(1, 3), turn(2, 2), turn(10, 11)));
    assertThat(turns.ratio()).isEqualTo(1.1);
    assertThat(turns.cpuRatio()).isEqualTo(1.1);
    assertThat(turns.tokensPerSecond()).isEqualTo(2);
    assertThat(turns.denseTokensPerSecond()).isEqualTo(3);
  }

  @Test
  void sidesAlternateAndWarmUpDoesNotCount() {
    ComputeSettings settings = new ComputeSettings(ModelOptions.cpu(), 1, 1);
    List<String> ran = new ArrayList<>();

    List<Turn> turns =
        Turns.alternate(
            () -> ran.add("dense"), () -> ran.add("sparse"), settings, turn -> ran.add("" + turn));

    assertThat(turns).hasSize(1);
    assertThat(ran)
        .containsExactly("dense", "sparse", "1", "dense", "sparse", "2", "dense", "sparse", "3");
  }

  private static Turn turn(double dense, double sparse) {
    return new Turn(new Timing(dense, dense), new Timing(sparse, sparse));
  }
}
