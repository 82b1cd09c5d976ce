package dev.upcycle.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

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
