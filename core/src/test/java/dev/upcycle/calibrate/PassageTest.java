package dev.upcycle.calibrate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.calibrate.Passage.Stance;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class PassageTest {
  private static List<Long> ids(int count) {
    return LongStream.range(0, count).boxed().toList();
  }

  private static long tokens(List<Passage> passages, int expert) {
    return passages.stream()
        .filter(passage -> passage.expert() == expert)
        .mapToLong(passage -> passage.ids().size())
        .sum();
  }

  @Test
  void passagesCoverATextInOrderAndAreNearlyEqual() {
    List<Passage> passages = Passage.cut(0, Stance.FOR, ids(11), 4);

    assertThat(passages).extracting(passage -> passage.ids().size()).containsExactly(3, 4, 4);
    List<Long> joined = new ArrayList<>();
    passages.forEach(passage -> joined.addAll(passage.ids()));
    assertThat(joined).isEqualTo(ids(11));
  }

  @Test
  void sampleSharesTheTokensAmongExpertsAndKeepsTheOrder() {
    List<Passage> all = new ArrayList<>(Passage.cut(0, Stance.FOR, ids(1000), 10));
    all.addAll(Passage.cut(1, Stance.FOR, ids(30), 10));

    List<Passage> sample = Passage.sample(all, 200, 5);

    assertThat(tokens(sample, 0)).isEqualTo(100);
    assertThat(tokens(sample, 1)).isEqualTo(30);
    assertThat(all).containsSubsequence(sample);
    assertThat(Passage.sample(all, 200, 5)).isEqualTo(sample);
    assertThat(Passage.sample(all, 200, 6)).isNotEqualTo(sample);
  }

  @Test
  void everyExpertKeepsAPassageHoweverFewTokensAreWanted() {
    List<Passage> all = new ArrayList<>(Passage.cut(0, Stance.FOR, ids(40), 10));
    all.addAll(Passage.cut(1, Stance.FOR, ids(40), 10));

    assertThat(Passage.sample(all, 1, 0)).extracting(Passage::expert).containsExactly(0, 1);
  }

  @Test
  void textsThatFitStayWhole() {
    List<Passage> all = Passage.cut(0, Stance.FOR, ids(40), 10);

    assertThat(Passage.sample(all, 40, 0)).isEqualTo(all);
  }
}
