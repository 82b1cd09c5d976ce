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
    int busiest = 0;
    for (int expert = 1; expert < chosen.length; expert++) {
      if (chosen[expert] > chosen[busiest]) {
        busiest = expert;
      }
    }
    return busiest;
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
  List<Integer> rowOfEachExpert(long[] drawn) {
    List<Integer> experts = ascending(run);
    List<Integer> rows = ascending(drawn).reversed();
    return IntStream.range(0, run.length)
        .map(expert -> rows.get(experts.indexOf(expert)))
        .boxed()
        .toList();
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
