package dev.upcycle.evaluate;

import dev.upcycle.kernels.moe.Routing;
import dev.upcycle.model.LayerRouting;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SequencedMap;
import java.util.TreeMap;
import java.util.function.LongPredicate;

/// Adds up which experts were used; one thread.
final class LoadCounter {
  private final SequencedMap<Integer, long[]> counts = new TreeMap<>();

  /// Counts the assignments of tokens from `firstNew` on.
  void add(List<LayerRouting> routings, long firstNew) {
    add(routings, token -> token >= firstNew);
  }

  /// Counts the assignments of some tokens.
  void add(List<LayerRouting> routings, LongPredicate counted) {
    for (LayerRouting each : routings) {
      Routing routing = each.routing();
      long[] sums = counts.computeIfAbsent(each.layer(), _ -> new long[routing.expertCount()]);
      long[] tokens = routing.tokens().toLongs();
      long[] experts = routing.experts().toLongs();
      for (int i = 0; i < tokens.length; i++) {
        if (counted.test(tokens[i])) {
          sums[Math.toIntExact(experts[i])]++;
        }
      }
    }
  }

  /// What was counted, by layer.
  List<ExpertLoad> loads() {
    List<ExpertLoad> loads = new ArrayList<>();
    counts.forEach(
        (layer, sums) -> loads.add(new ExpertLoad(layer, Arrays.stream(sums).boxed().toList())));
    return loads;
  }
}
