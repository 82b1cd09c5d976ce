package dev.upcycle.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SamplerTest {
  private static final float[] LOGITS = {
    (float) Math.log(0.5), (float) Math.log(0.3), (float) Math.log(0.2)
  };

  private static double share(Sampling sampling, int token) {
    Sampler sampler = new Sampler(sampling);
    return LongStream.range(0, 20_000).filter(i -> sampler.choose(LOGITS, i) == token).count()
        / 20_000.0;
  }

  @Test
  void greedyTakesTheFirstOfEquals() {
    assertThat(new Sampler(new Sampling.Greedy()).choose(new float[] {1, 3, 3}, 0)).isEqualTo(1);
  }

  @Test
  void drawsFollowTheProbabilities() {
    assertThat(share(new Sampling.Nucleus(1, 1, 3), 0)).isCloseTo(0.5, within(0.02));
    assertThat(share(new Sampling.Nucleus(1, 1, 3), 2)).isCloseTo(0.2, within(0.02));
  }

  @Test
  void temperatureSharpens() {
    // 0.25 / (0.25 + 0.09 + 0.04)
    assertThat(share(new Sampling.Nucleus(0.5, 1, 3), 0)).isCloseTo(0.658, within(0.02));
  }

  @Test
  void nucleusLeavesOutTheTail() {
    Sampling.Nucleus nucleus = new Sampling.Nucleus(1, 0.6, 3);

    assertThat(share(nucleus, 2)).isZero();
    assertThat(share(nucleus, 0)).isCloseTo(0.625, within(0.02));
  }

  @ParameterizedTest
  @ValueSource(doubles = {0.01, 0.3, 0.6, 0.95, 0.9999})
  void nucleusTakesWhatSortingTheWholeVocabularyTakes(double topP) {
    Random random = new Random(4);
    for (int place = 0; place < 300; place++) {
      float[] logits = new float[50];
      for (int i = 0; i < logits.length; i++) {
        // Halves tie often, and some weights vanish.
        logits[i] = Math.round(random.nextGaussian() * 6) / 2f - (i % 7 == 0 ? 2000 : 0);
      }
      double uniform = new CounterRandom(9).uniform(place);
      assertThat(new Sampler(new Sampling.Nucleus(0.7, topP, 9)).choose(logits, place))
          .isEqualTo(sorted(logits, topP, uniform));
    }
  }

  private static int sorted(float[] logits, double topP, double uniform) {
    double top = IntStream.range(0, logits.length).mapToDouble(i -> logits[i]).max().orElseThrow();
    double[] weights =
        IntStream.range(0, logits.length)
            .mapToDouble(i -> Math.exp((logits[i] - top) / 0.7))
            .toArray();
    List<Integer> order =
        IntStream.range(0, logits.length)
            .boxed()
            .sorted(Comparator.comparingDouble((Integer i) -> weights[i]).reversed())
            .toList();
    double wanted = topP * Arrays.stream(weights).sum();
    double kept = 0;
    int count = 0;
    while (count == 0 || kept < wanted) {
      kept += weights[order.get(count++)];
    }
    double left = uniform * kept;
    for (int token : order.subList(0, count)) {
      left -= weights[token];
      if (left < 0) {
        return token;
      }
    }
    return order.get(count - 1);
  }

  @Test
  void sameSeedAndPlaceGiveTheSameDraw() {
    assertThat(new CounterRandom(5).uniform(9)).isEqualTo(new CounterRandom(5).uniform(9));
    assertThat(new CounterRandom(5).uniform(9)).isNotEqualTo(new CounterRandom(6).uniform(9));
  }

  @Test
  void logitsThatAreNotFiniteAreAnErrorAndNoToken() {
    assertThatThrownBy(
            () -> new Sampler(new Sampling.Greedy()).choose(new float[] {1, Float.NaN, 2}, 0))
        .hasMessageContaining("NaN");
  }
}
