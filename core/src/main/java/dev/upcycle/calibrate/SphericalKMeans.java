package dev.upcycle.calibrate;

import dev.upcycle.generate.CounterRandom;
import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.kernels.tensor.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Clusters directions: a point belongs to the centre of the largest cosine, and a centre is the
/// normalised sum of its points (Dhillon and Modha, "Concept decompositions for large sparse text
/// data using clustering", 2001).
///
/// The first centres are drawn by k-means++ (Arthur and Vassilvitskii, 2007) with the weight `1 -
/// cos`, which is half the squared distance; the draws depend on the seed alone. A cluster that
/// runs empty takes the point that fits its own centre worst. One thread, one clustering.
final class SphericalKMeans {
  /// More rounds never changed a share by a thousandth where they were tried.
  private static final int MOST_ITERATIONS = 100;

  private final Tensor points;
  private final int clusters;
  private final CounterRandom random;
  private final int[] owner;
  private final float[] cosine;
  private int iterations;

  /// @param points `[tokens, hidden]`, float32, rows of norm 1
  private SphericalKMeans(Tensor points, int clusters, long seed) {
    this.points = points;
    this.clusters = clusters;
    this.random = new CounterRandom(seed);
    this.owner = new int[Math.toIntExact(points.size(0))];
    this.cosine = new float[owner.length];
  }

  /// What came of it.
  ///
  /// @param centres of norm 1
  /// @param inertia mean of `1 - cos` of a point and its centre
  /// @param iterations rounds until no point changed its centre
  record Clusters(RouterRows centres, double inertia, int iterations) {}

  /// Clusters the rows of a matrix by their directions.
  ///
  /// @param rows `[tokens, hidden]`, float32, on the CPU
  /// @throws CalibrationException when there are fewer different directions than clusters
  static Clusters of(Tensor rows, int clusters, long seed) {
    if (rows.size(0) < clusters) {
      throw new CalibrationException(
          "%d tokens for %d experts; give more text".formatted(rows.size(0), clusters));
    }
    try (TensorScope _ = TensorScope.open()) {
      Tensor norms = rows.square().sumKeeping(1).sqrt().clamp(Float.MIN_NORMAL, Float.MAX_VALUE);
      return new SphericalKMeans(rows.over(norms), clusters, seed).run();
    }
  }

  private Clusters run() {
    Tensor centres = firstCentres();
    int[] before = new int[0];
    assign(centres);
    while (!Arrays.equals(before, owner) && iterations < MOST_ITERATIONS) {
      before = owner.clone();
      iterations++;
      refillEmpty();
      centres = centres();
      assign(centres);
    }
    double loss = 0;
    for (float each : cosine) {
      loss += 1 - each;
    }
    return new Clusters(RouterRows.unit(doubles(centres)), loss / cosine.length, iterations);
  }

  private Tensor firstCentres() {
    List<Tensor> chosen = new ArrayList<>();
    double[] distance = new double[owner.length];
    Arrays.fill(distance, 1);
    for (int cluster = 0; cluster < clusters; cluster++) {
      Tensor centre = points.narrow(0, draw(distance, random.uniform(cluster)), 1);
      chosen.add(centre);
      float[] near = points.matmul(centre.transpose(0, 1)).reshape(-1).toFloats();
      for (int i = 0; i < near.length; i++) {
        double away = Math.max(0, 1 - (double) near[i]);
        distance[i] = cluster == 0 ? away : Math.min(distance[i], away);
      }
    }
    return Tensors.concat(chosen, 0);
  }

  /// The first point at which the running sum of weights passes a part of the whole.
  private int draw(double[] weights, double part) {
    double all = Arrays.stream(weights).sum();
    if (!(all > 0)) {
      throw new CalibrationException(
          "fewer than %d different states for %d experts; give more text"
              .formatted(clusters, clusters));
    }
    double left = part * all;
    int last = 0;
    for (int i = 0; i < weights.length; i++) {
      if (weights[i] > 0) {
        last = i;
        left -= weights[i];
        if (left < 0) {
          return i;
        }
      }
    }
    return last;
  }

  private void assign(Tensor centres) {
    try (TensorScope _ = TensorScope.open()) {
      float[] cosines = points.matmul(centres.transpose(0, 1)).reshape(-1).toFloats();
      for (int point = 0; point < owner.length; point++) {
        int best = 0;
        for (int cluster = 1; cluster < clusters; cluster++) {
          if (cosines[point * clusters + cluster] > cosines[point * clusters + best]) {
            best = cluster;
          }
        }
        owner[point] = best;
        cosine[point] = cosines[point * clusters + best];
      }
    }
  }

  private void refillEmpty() {
    int[] sizes = new int[clusters];
    for (int cluster : owner) {
      sizes[cluster]++;
    }
    for (int cluster = 0; cluster < clusters; cluster++) {
      if (sizes[cluster] == 0) {
        int worst = worst(sizes);
        sizes[owner[worst]]--;
        sizes[cluster]++;
        owner[worst] = cluster;
        cosine[worst] = 1;
      }
    }
  }

  private int worst(int[] sizes) {
    int worst = -1;
    for (int point = 0; point < owner.length; point++) {
      if (sizes[owner[point]] > 1 && (worst < 0 || cosine[point] < cosine[worst])) {
        worst = point;
      }
    }
    return worst;
  }

  private Tensor centres() {
    long[] index = Arrays.stream(owner).asLongStream().toArray();
    Tensor sums =
        Tensors.zeros(DType.F32, clusters, points.size(1)).indexAdd(0, Tensors.of(index), points);
    return sums.over(sums.square().sumKeeping(1).sqrt());
  }

  private static double[][] doubles(Tensor matrix) {
    float[] values = matrix.contiguous().toFloats();
    int width = Math.toIntExact(matrix.size(1));
    double[][] rows = new double[values.length / width][width];
    for (int i = 0; i < values.length; i++) {
      rows[i / width][i % width] = values[i];
    }
    return rows;
  }
}
