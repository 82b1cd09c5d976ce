package dev.upcycle.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SampleOrderTest {
  private static final int SAMPLES = 103;
  private static final int GROUP = 8;

  /// 70 with image, 33 without.
  private static List<Integer> lengths() {
    List<Integer> lengths = new ArrayList<>();
    for (int i = 0; i < SAMPLES; i++) {
      lengths.add((i % 3 == 2 && i < 99 ? -1 : 1) * (1 + i * 37 % 50));
    }
    return lengths;
  }

  private static SampleOrder grouped(long seed) {
    return new SampleOrder.ByModalityAndLength(lengths(), GROUP, seed);
  }

  @Test
  void everySampleComesOnceAnEpoch() {
    for (SampleOrder order :
        List.of(
            new SampleOrder.Sequential(SAMPLES),
            new SampleOrder.Shuffled(SAMPLES, 1),
            grouped(1))) {
      assertThat(Arrays.stream(order.of(3)).sorted())
          .containsExactlyElementsOf(IntStream.range(0, SAMPLES).boxed().toList());
    }
  }

  @Test
  void seedAndEpochDecideTheOrder() {
    assertThat(new SampleOrder.Shuffled(SAMPLES, 1).of(2))
        .isEqualTo(new SampleOrder.Shuffled(SAMPLES, 1).of(2))
        .isNotEqualTo(new SampleOrder.Shuffled(SAMPLES, 1).of(3))
        .isNotEqualTo(new SampleOrder.Shuffled(SAMPLES, 2).of(2));
    assertThat(grouped(1).of(2))
        .isEqualTo(grouped(1).of(2))
        .isNotEqualTo(grouped(1).of(3))
        .isNotEqualTo(grouped(2).of(2));
  }

  /// The numbers themselves, so that no change of the JDK moves them unseen.
  @Test
  void orderIsTheSameOnEveryMachine() {
    assertThat(new SampleOrder.Shuffled(10, 42).of(0))
        .containsExactly(5, 6, 8, 7, 1, 4, 0, 2, 3, 9);
  }

  @Test
  void groupsHaveOneModalityAndFallInLength() {
    List<Integer> lengths = lengths();
    int[] order = grouped(5).of(0);
    int whole = 70 / GROUP + 33 / GROUP;
    Set<Boolean> kinds = new HashSet<>();
    for (int group = 0; group < whole; group++) {
      List<Integer> inside =
          Arrays.stream(order, group * GROUP, (group + 1) * GROUP)
              .map(lengths::get)
              .boxed()
              .toList();
      assertThat(inside.stream().map(length -> length > 0).distinct()).hasSize(1);
      assertThat(inside.stream().map(Math::abs))
          .isSortedAccordingTo(Comparator.<Integer>reverseOrder());
      kinds.add(inside.getFirst() > 0);
    }
    assertThat(kinds).hasSize(2);
    assertThat(Arrays.stream(order, whole * GROUP, SAMPLES)).isSorted();
  }

  @Test
  void groupsOfOneKindDoNotAllComeFirst() {
    List<Integer> lengths = lengths();
    List<Boolean> kinds = new ArrayList<>();
    int[] order = grouped(5).of(0);
    for (int group = 0; group < 70 / GROUP + 33 / GROUP; group++) {
      kinds.add(lengths.get(order[group * GROUP]) > 0);
    }

    assertThat(kinds).isNotEqualTo(kinds.stream().sorted(Comparator.reverseOrder()).toList());
  }
}
