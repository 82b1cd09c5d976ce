package dev.upcycle.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SequencePlanTest {
  private static SequencePlan plan(int sequence, int... lengths) {
    return SequencePlan.bestFit(lengths.length, row -> lengths[row], sequence);
  }

  private static int[][] rows(SequencePlan plan) {
    return IntStream.range(0, plan.sequences()).mapToObj(plan::rows).toArray(int[][]::new);
  }

  @Test
  void aRowGoesWhereTheLeastRoomIsLeftThatHoldsIt() {
    assertThat(rows(plan(10, 5, 7, 3, 4, 2))).isDeepEqualTo(new int[][] {{0, 3}, {1, 2}, {4}});
  }

  @Test
  void ofEqualRoomsTheOlderIsFilled() {
    assertThat(rows(plan(10, 7, 7, 3, 3))).isDeepEqualTo(new int[][] {{0, 2}, {1, 3}});
  }

  @Test
  void aRowThatFillsASequenceIsByItself() {
    assertThat(rows(plan(4, 4, 1, 4, 3))).isDeepEqualTo(new int[][] {{0}, {1, 3}, {2}});
  }

  @Test
  void everyRowLiesInOneSequenceAndNoneOverflows() {
    SplittableRandom random = new SplittableRandom(20_260_101);
    int[] lengths = random.ints(5_000, 1, 101).toArray();
    SequencePlan plan = plan(100, lengths);
    int[][] rows = rows(plan);
    assertThat(Arrays.stream(rows).flatMapToInt(Arrays::stream).sorted())
        .containsExactly(IntStream.range(0, lengths.length).boxed().toArray(Integer[]::new));
    for (int[] held : rows) {
      assertThat(Arrays.stream(held).map(row -> lengths[row]).sum()).isBetween(1, 100);
      assertThat(held).isSorted();
    }
    assertThat(Arrays.stream(rows).mapToInt(held -> held[0])).isSorted();
    double fill = Arrays.stream(lengths).sum() / (100.0 * plan.sequences());
    assertThat(fill).isGreaterThan(0.95);
  }

  @Test
  void nothingGivesNoSequences() {
    assertThat(plan(4).sequences()).isZero();
  }

  @Test
  void aRowThatFitsNoSequenceIsRefused() {
    assertThatThrownBy(() -> plan(4, 1, 5))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("row 1 has 5 tokens, expected 1 to 4");
  }
}
