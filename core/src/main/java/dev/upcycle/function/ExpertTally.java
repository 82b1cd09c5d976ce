package dev.upcycle.function;

import dev.upcycle.function.FunctionReport.Experts;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/// Counts which experts of a layer were run.
final class ExpertTally {
  private final long[] chosen;
  private final long[] run;

  /// @param chosen how many tokens the layer's own router gives each expert
  ExpertTally(long[] chosen) {
    this.chosen = chosen.clone();
    this.run = chosen.clone();
  }

  int count() {
    return run.length;
  }

  /// The expert that the layer's own router gives most tokens.
  int busiest() {
    return IntStream.range(0, chosen.length)
        .boxed()
        .max(Comparator.<Integer>comparingLong(expert -> chosen[expert]).thenComparing(e -> -e))
        .orElseThrow();
  }

  void add(long[] counts) {
    for (int expert = 0; expert < run.length; expert++) {
      run[expert] += counts[expert];
    }
  }

  /// Those that never ran.
  List<Integer> missed() {
    return without(run);
  }

  private static List<Integer> without(long[] counts) {
    return IntStream.range(0, counts.length).filter(e -> counts[e] == 0).boxed().toList();
  }

  /// Gives the experts that ran least the rows that draw most.
  ///
  /// @param drawn how many tokens each row of a router draws
  long[] rowOfEachExpert(long[] drawn) {
    List<Integer> experts = ascending(run);
    List<Integer> rows = ascending(drawn).reversed();
    long[] chosenRows = new long[run.length];
    for (int i = 0; i < run.length; i++) {
      chosenRows[experts.get(i)] = rows.get(i);
    }
    return chosenRows;
  }

  private static List<Integer> ascending(long[] counts) {
    return IntStream.range(0, counts.length)
        .boxed()
        .sorted(Comparator.comparingLong(i -> counts[i]))
        .toList();
  }

  Experts experts() {
    return new Experts(count(), without(chosen), missed());
  }
}
