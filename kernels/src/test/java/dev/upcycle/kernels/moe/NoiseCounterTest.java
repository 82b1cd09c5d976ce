package dev.upcycle.kernels.moe;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class NoiseCounterTest {
  @Test
  void everyPlaceHasASeedOfItsOwn() {
    Set<Long> seeds = new HashSet<>();
    int places = 0;
    for (int stage = 0; stage < 4; stage++) {
      for (int step = 0; step < 8; step++) {
        for (int microBatch = 0; microBatch < 4; microBatch++) {
          for (int layer = 0; layer < 8; layer++) {
            for (int draw = 0; draw < 2; draw++) {
              seeds.add(new NoiseCounter(7, stage, step, microBatch, layer).seedOf(draw));
              places++;
            }
          }
        }
      }
    }
    assertThat(seeds).hasSize(places);
  }

  @Test
  void groupsOfLayersDrawWhatNoOtherLayerOrGroupDraws() {
    Set<Long> seeds = new HashSet<>();
    int places = 0;
    for (int layer = 0; layer < 600; layer++) {
      NoiseCounter plain = new NoiseCounter(7, 0, 0, 0, layer);
      seeds.add(plain.seedOf(0));
      places++;
      for (int group = 0; group < 300; group++) {
        seeds.add(plain.inGroup(group).seedOf(0));
        places++;
      }
    }
    assertThat(seeds).hasSize(places);
  }

  @Test
  void theSamePlaceHasTheSameSeed() {
    assertThat(new NoiseCounter(7, 1, 2, 3, 4).seedOf(0))
        .isEqualTo(new NoiseCounter(7, 1, 2, 3, 0).inLayer(4).seedOf(0));
  }
}
