package dev.upcycle.train;

import dev.upcycle.kernels.moe.Routing;
import dev.upcycle.kernels.tensor.Tensors;
import dev.upcycle.recipe.AuxiliaryLosses;
import dev.upcycle.recipe.Part;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;

/// Sums up what micro-batches measured.
final class LossTotals {
  private final AuxiliaryLosses settings;
  private final int microBatches;
  private final Map<Part, Sums> parts = new EnumMap<>(Part.class);
  private double crossEntropy;

  LossTotals(AuxiliaryLosses settings, int microBatches) {
    this.settings = settings;
    this.microBatches = microBatches;
  }

  /// The sums of one part.
  private static final class Sums {
    private final long[][] counts;
    private double balance;
    private double routerZ;

    private Sums(List<Routing> routings) {
      this.counts =
          routings.stream().map(routing -> new long[routing.expertCount()]).toArray(long[][]::new);
    }

    private void add(RouterLosses.Outcome outcome) {
      balance += outcome.balance().item();
      routerZ += outcome.routerZ().item();
      List<Routing> routings = outcome.routings();
      long[] bounds = Tensors.concat(routings.stream().map(Routing::offsets).toList(), 0).toLongs();
      int at = 0;
      for (long[] layer : counts) {
        for (int expert = 0; expert < layer.length; expert++) {
          layer[expert] += bounds[at + expert + 1] - bounds[at + expert];
        }
        at += layer.length + 1;
      }
    }

    private RouterMeasures over(int microBatches) {
      List<List<Long>> choices =
          Arrays.stream(counts).map(layer -> Arrays.stream(layer).boxed().toList()).toList();
      return new RouterMeasures(balance / microBatches, routerZ / microBatches, choices);
    }
  }

  /// Adds what one micro-batch measured.
  ///
  /// @param share its share of the step's mean cross-entropy
  /// @param routers losses of the parts that have any
  void add(double share, Map<Part, RouterLosses.Outcome> routers) {
    crossEntropy += share;
    routers.forEach((part, outcome) ->
        parts.computeIfAbsent(part, _ -> new Sums(outcome.routings())).add(outcome));
  }

  StepLosses losses() {
    SequencedMap<Part, RouterMeasures> measures = new LinkedHashMap<>();
    parts.forEach((part, sums) -> measures.put(part, sums.over(microBatches)));
    double total = crossEntropy;
    for (Map.Entry<Part, RouterMeasures> part : measures.entrySet()) {
      total += settings.balance().of(part.getKey()) * part.getValue().balance();
      total += settings.routerZ().of(part.getKey()) * part.getValue().routerZ();
    }
    return new StepLosses(total, crossEntropy, measures);
  }
}
