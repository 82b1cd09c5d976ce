package dev.upcycle.train;

import dev.upcycle.kernels.tensor.Functions;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.recipe.Part;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// Watches over intervals of steps for experts that no token chose and routers that do not move.
///
/// Owns copies of the routers until it is closed.
final class RouterWatch implements AutoCloseable {
  /// Steps of an interval.
  static final int INTERVAL = 100;

  /// Of a router's length; less than what float32 can tell apart in most of its numbers.
  private static final double STILL = 1e-6;

  private final HostCopies before = new HostCopies();
  private final SequencedMap<String, Tensor> routers = new LinkedHashMap<>();
  private final SequencedMap<String, long[]> choices = new LinkedHashMap<>();
  private final int interval;
  private int steps;

  /// @param routers what trains of them, by name
  /// @param interval steps after which it tells what it saw
  RouterWatch(Map<String, Tensor> routers, int interval) {
    this.routers.putAll(routers);
    this.interval = interval;
    before.take(routers);
  }

  /// What is to be said after a step; nothing but at the end of an interval.
  List<String> after(StepLosses losses) {
    losses.routers().forEach(this::count);
    steps++;
    return steps % interval == 0 ? told() : List.of();
  }

  private void count(Part part, RouterMeasures measures) {
    for (int layer = 0; layer < measures.choices().size(); layer++) {
      List<Long> own = measures.choices().get(layer);
      String where = part == Part.LANGUAGE ? "" : part.key() + "'s ";
      long[] sums =
          choices.computeIfAbsent(where + "routed layer " + layer, _ -> new long[own.size()]);
      for (int expert = 0; expert < own.size(); expert++) {
        sums[expert] += own.get(expert);
      }
    }
  }

  private List<String> told() {
    List<String> warnings = new ArrayList<>();
    List<String> dead = dead();
    if (!dead.isEmpty()) {
      warnings.add(
          "no token chose %s in the last %d steps; a larger losses.balance.weight spreads them"
              .formatted(String.join(", ", dead), interval));
    }
    List<String> still = still();
    if (!still.isEmpty()) {
      warnings.add(
          "%d of %d routers did not move in the last %d steps, such as %s; equal experts give a router no gradient: see losses.balance and rates.routers"
              .formatted(still.size(), routers.size(), interval, still.getFirst()));
    }
    choices.clear();
    before.take(routers);
    return warnings;
  }

  private List<String> dead() {
    List<String> dead = new ArrayList<>();
    choices.forEach((layer, sums) -> {
      String own =
          IntStream.range(0, sums.length)
              .filter(expert -> sums[expert] == 0)
              .mapToObj(String::valueOf)
              .collect(Collectors.joining(" and "));
      if (!own.isEmpty()) {
        dead.add("expert %s of %s".formatted(own, layer));
      }
    });
    return dead;
  }

  private List<String> still() {
    List<String> still = new ArrayList<>();
    Map<String, Tensor> old = before.copies();
    try (TensorScope _ = TensorScope.open();
        Gradients.Pause _ = Gradients.pause()) {
      routers.forEach((name, now) -> {
        Tensor then = old.get(name);
        if (then != null) {
          Tensor moved = now.to(then.device()).minus(then);
          if (Functions.norm(moved).item() <= STILL * Functions.norm(then).item()) {
            still.add(name);
          }
        }
      });
    }
    return still;
  }

  @Override
  public void close() {
    before.close();
  }
}
