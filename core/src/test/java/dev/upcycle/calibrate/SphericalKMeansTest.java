package dev.upcycle.calibrate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.upcycle.generate.CounterRandom;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.kernels.tensor.Tensors;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SphericalKMeansTest {
  private static final int WIDTH = 6;

  private static SphericalKMeans.Clusters cluster(double[][] points, int clusters, long seed) {
    float[] flat = new float[points.length * points[0].length];
    for (int i = 0; i < flat.length; i++) {
      flat[i] = (float) points[i / points[0].length][i % points[0].length];
    }
    try (TensorScope _ = TensorScope.open()) {
      return SphericalKMeans.of(Tensors.of(flat, points.length, points[0].length), clusters, seed);
    }
  }

  /// Points about as many axes as there are clusters, of many lengths.
  private static double[][] planted(int points, int clusters, double noise) {
    CounterRandom random = new CounterRandom(99);
    double[][] drawn = new double[points][WIDTH];
    for (int i = 0; i < points; i++) {
      for (int j = 0; j < WIDTH; j++) {
        double value = noise * (2 * random.uniform((long) i * WIDTH + j) - 1);
        drawn[i][j] = (1 + i % 7) * (value + (j == i % clusters ? 1 : 0));
      }
    }
    return drawn;
  }

  private static double cosine(double[] a, double[] b) {
    return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  }

  private static double dot(double[] a, double[] b) {
    return IntStream.range(0, a.length).mapToDouble(i -> a[i] * b[i]).sum();
  }

  private static int nearest(double[] point, double[][] centres) {
    return IntStream.range(0, centres.length)
        .boxed()
        .max((a, b) -> Double.compare(cosine(point, centres[a]), cosine(point, centres[b])))
        .orElseThrow();
  }

  /// k-means++ and Lloyd's rounds in plain loops.
  private static double[][] reference(double[][] points, int clusters, long seed) {
    double[][] centres = new double[clusters][];
    double[] weights = new double[points.length];
    Arrays.fill(weights, 1);
    for (int c = 0; c < clusters; c++) {
      double left = new CounterRandom(seed).uniform(c) * Arrays.stream(weights).sum();
      int chosen = 0;
      while ((left -= weights[chosen]) >= 0) {
        chosen++;
      }
      centres[c] = points[chosen];
      for (int i = 0; i < points.length; i++) {
        double away = 1 - cosine(points[i], centres[c]);
        weights[i] = c == 0 ? away : Math.min(weights[i], away);
      }
    }
    for (int round = 0; round < 50; round++) {
      double[][] sums = new double[clusters][points[0].length];
      for (double[] point : points) {
        double norm = Math.sqrt(dot(point, point));
        double[] sum = sums[nearest(point, centres)];
        Arrays.setAll(sum, i -> sum[i] + point[i] / norm);
      }
      centres = sums;
    }
    return centres;
  }

  @Test
  void centresAreThoseOfThePlainLoops() {
    double[][] points = planted(200, 4, 0.9);
    for (long seed = 0; seed < 5; seed++) {
      SphericalKMeans.Clusters found = cluster(points, 4, seed);
      double[][] expected = reference(points, 4, seed);

      double loss = 0;
      for (double[] point : points) {
        loss += (1 - cosine(point, expected[nearest(point, expected)])) / points.length;
      }
      assertThat(found.inertia()).isCloseTo(loss, within(1e-6));
      for (int c = 0; c < 4; c++) {
        double norm = Math.sqrt(dot(expected[c], expected[c]));
        for (int i = 0; i < WIDTH; i++) {
          assertThat(found.centres().at(c, i)).isCloseTo(expected[c][i] / norm, within(1e-5));
        }
      }
    }
  }

  @Test
  void plantedDirectionsAreFoundWhateverThePointsLengths() {
    SphericalKMeans.Clusters found = cluster(planted(120, 3, 0.05), 3, 7);

    boolean[] seen = new boolean[WIDTH];
    for (int c = 0; c < 3; c++) {
      int centre = c;
      int axis =
          IntStream.range(0, WIDTH)
              .filter(i -> found.centres().at(centre, i) > 0.99)
              .findFirst()
              .orElseThrow();
      seen[axis] = true;
    }
    assertThat(seen).containsExactly(true, true, true, false, false, false);
    assertThat(found.inertia()).isLessThan(0.01);
  }

  @Test
  void moreClustersThanGroupsLeaveNoneEmpty() {
    double[][] points = planted(9, 3, 0.2);

    SphericalKMeans.Clusters found = cluster(points, 9, 3);

    assertThat(found.inertia()).isCloseTo(0, within(1e-6));
  }

  @Test
  void equalSeedsGiveEqualCentresAndOthersMayGiveOthers() {
    double[][] points = planted(60, 2, 3);
    SphericalKMeans.Clusters first = cluster(points, 5, 1);

    assertThat(cluster(points, 5, 1).inertia()).isEqualTo(first.inertia());
    assertThat(IntStream.range(2, 12).mapToObj(seed -> cluster(points, 5, seed)))
        .anyMatch(other -> other.inertia() != first.inertia());
  }

  @Test
  void tooFewTokensAndTokensThatAreAllAlikeAreRefused() {
    assertThatThrownBy(() -> cluster(new double[][] {{1, 0}}, 2, 0))
        .isInstanceOf(CalibrationException.class)
        .hasMessageContaining("1 tokens for 2 experts");
    assertThatThrownBy(() -> cluster(new double[][] {{1, 0}, {2, 0}, {3, 0}}, 2, 0))
        .isInstanceOf(CalibrationException.class)
        .hasMessageContaining("fewer than 2 different states");
  }
}
