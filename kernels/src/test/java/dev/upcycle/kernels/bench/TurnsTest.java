package dev.upcycle.kernels.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
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
  void mediansAreOfEachTimeByItself() {
    Turns turns = new Turns(6, List.of(turn(1, 3), turn(2, 2), turn(10, 11)));
    assertThat(turns.medians()).isEqualTo(turn(2, 3));
  }

  @Test
  void sidesAlternateAndWarmUpDoesNotCount() {
    List<String> ran = new ArrayList<>();

    Turns turns =
        Turns.alternate(
            new Turns.Sides(6, () -> ran.add("dense"), () -> ran.add("sparse")),
            1,
            turn -> ran.add("" + turn));

    assertThat(turns.all()).hasSize(1);
    assertThat(ran)
        .containsExactly("dense", "sparse", "1", "dense", "sparse", "2", "dense", "sparse", "3");
  }

  @Test
  void anInterruptEndsItBeforeTheNextTurn() {
    List<Integer> turned = new ArrayList<>();
    Turns.Sides sides = new Turns.Sides(6, () -> {}, () -> Thread.currentThread().interrupt());

    assertThatThrownBy(() -> Turns.alternate(sides, 7, turned::add))
        .isInstanceOf(CancellationException.class);

    assertThat(turned).containsExactly(1);
  }

  private static Turn turn(double dense, double sparse) {
    return new Turn(new Timing(dense, dense), new Timing(sparse, sparse));
  }
}
