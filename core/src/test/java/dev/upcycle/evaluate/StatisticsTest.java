package dev.upcycle.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.upcycle.kernels.tensor.Functions;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.kernels.tensor.Tensors;
import java.util.List;
import org.junit.jupiter.api.Test;

class StatisticsTest {
  @Test
  void pairedDifferenceHasTheStandardErrorOfItsDifferences() {
    // Differences 1, 2, 3: mean 2, deviation 1.
    PairedDifference found = PairedDifference.of(new double[] {5, 1, 0}, new double[] {6, 3, 3});

    assertThat(found.mean()).isCloseTo(2, within(1e-12));
    assertThat(found.standardError()).isCloseTo(1 / Math.sqrt(3), within(1e-12));
  }

  @Test
  void differenceCommonToAllTokensHasNoStandardError() {
    assertThat(PairedDifference.of(new double[] {1, 2}, new double[] {2, 3}).standardError())
        .isZero();
  }

  @Test
  void pairsThatComeInPartsGiveWhatTheyGiveAtOnce() {
    PairedSums parts = new PairedSums();
    parts.add(new double[] {5}, new double[] {6});
    parts.add(new double[] {1, 0}, new double[] {3, 3});

    assertThat(parts.difference())
        .isEqualTo(PairedDifference.of(new double[] {5, 1, 0}, new double[] {6, 3, 3}));
  }

  @Test
  void evenLoadHasTheEntropyOfAllExperts() {
    ExpertLoad load = new ExpertLoad(0, List.of(5L, 5L, 5L, 5L));

    assertThat(load.entropy()).isCloseTo(Math.log(4), within(1e-12));
    assertThat(load.evenness()).isCloseTo(1, within(1e-12));
    assertThat(load.peak()).isCloseTo(1, within(1e-12));
    assertThat(load.dead()).isEmpty();
  }

  @Test
  void collapseOntoOneExpertHasNoEntropyAndNamesTheDead() {
    ExpertLoad load = new ExpertLoad(0, List.of(0L, 9L, 0L));

    assertThat(load.entropy()).isZero();
    assertThat(load.peak()).isCloseTo(3, within(1e-12));
    assertThat(load.dead()).containsExactly(0, 2);
  }

  @Test
  void expertThatFollowsTheLabelTellsAllOfIt() {
    assertThat(MutualInformation.of(List.of(List.of(7L, 0L), List.of(0L, 7L))))
        .isCloseTo(Math.log(2), within(1e-12));
  }

  @Test
  void expertsAlikeForEveryLabelTellNothing() {
    assertThat(MutualInformation.of(List.of(List.of(2L, 4L), List.of(3L, 6L))))
        .isCloseTo(0, within(1e-12));
  }

  @Test
  void divergenceIsTheKullbackLeiblerSum() {
    try (TensorScope _ = TensorScope.open()) {
      Divergence divergence = new Divergence();
      float[] half = {0, 0};
      float[] quarter = {0, (float) Math.log(3)};
      divergence.add(
          Functions.logSoftmax(Tensors.of(half, 1, 2)),
          Functions.logSoftmax(Tensors.of(quarter, 1, 2)));

      // ½ ln(½ / ¼) + ½ ln(½ / ¾)
      assertThat(divergence.mean()).isCloseTo(0.5 * Math.log(4.0 / 3), within(1e-6));
    }
  }

  @Test
  void agreementCountsTokensWithTheSameLikeliest() {
    try (TensorScope _ = TensorScope.open()) {
      Divergence divergence = new Divergence();
      divergence.add(
          Tensors.of(new float[] {-1, -2, -1, -2}, 2, 2),
          Tensors.of(new float[] {-1, -3, -3, -1}, 2, 2));

      assertThat(divergence.agreement()).isEqualTo(0.5);
    }
  }
}
