package dev.upcycle.train;

import dev.upcycle.kernels.moe.Routing;
import dev.upcycle.kernels.tensor.Tensors;
import dev.upcycle.recipe.AuxiliaryLosses;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Sums up what micro-batches measured.
final class LossTotals {
  private final AuxiliaryLosses settings;
  private final int microBatches;
  private double crossEntropy;
  private double balance;
  private double routerZ;
  private long @Nullable [][] counts;

  LossTotals(AuxiliaryLosses settings, int microBatches) {
    this.settings = settings;
    this.microBatches = microBatches;
  }

  /// What one micro-batch measured.
  ///
  /// @param crossEntropy its share of the step's mean
  /// @param balance mean over its tokens
  /// @param routerZ likewise
  /// @param counts choices per layer and expert
  record Measured(double crossEntropy, double balance, double routerZ, List<List<Long>> counts) {
    static Measured dense(double crossEntropy) {
      return new Measured(crossEntropy, 0, 0, List.of());
    }

    static Measured of(double crossEntropy, RouterLosses.Outcome routers, List<Routing> routings) {
      long[] bounds = Tensors.concat(routings.stream().map(Routing::offsets).toList(), 0).toLongs();
      List<List<Long>> counts = new ArrayList<>();
      int at = 0;
      for (Routing routing : routings) {
        List<Long> layer = new ArrayList<>();
        for (int expert = 0; expert < routing.expertCount(); expert++) {
          layer.add(bounds[at + expert + 1] - bounds[at + expert]);
        }
        at += routing.expertCount() + 1;
        counts.add(layer);
      }
      return new Measured(crossEntropy, routers.balance().item(), routers.routerZ().item(), counts);
    }
  }

  void add(Measured measured) {
    crossEntropy += measured.crossEntropy();
    balance += measured.balance() / microBatches;
    routerZ += measured.routerZ() / microBatches;
    if (counts == null) {
      counts = new long[measured.counts().size()][];
    }
    for (int layer = 0; layer < counts.length; layer++) {
      List<Long> own = measured.counts().get(layer);
      long[] sum = counts[layer] == null ? new long[own.size()] : counts[layer];
      for (int expert = 0; expert < sum.length; expert++) {
        sum[expert] += own.get(expert);
      }
      counts[layer] = sum;
    }
  }

  StepLosses losses() {
    double total = crossEntropy + settings.balance() * balance + settings.routerZ() * routerZ;
    long[][] summed = counts == null ? new long[0][] : counts;
    List<List<Long>> choices =
        Arrays.stream(summed).map(layer -> Arrays.stream(layer).boxed().toList()).toList();
    return new StepLosses(total, crossEntropy, balance, routerZ, choices);
  }
}
