package dev.upcycle.kernels.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.IntConsumer;
import java.util.function.ToDoubleFunction;

/// What turns of a dense baseline and a model with experts have measured.
///
/// @param tokens of one turn of one side
/// @param all in the order in which they ran
public record Turns(long tokens, List<Turn> all) {
  private static final int WARM_UP = 2;

  /// Takes a copy.
  public Turns {
    all = List.copyOf(all);
  }

  /// How many turns a run makes in all.
  ///
  /// @param counted how many of them count
  public static int count(int counted) {
    return WARM_UP + counted;
  }

  /// Runs both sides one after the other, over and over; the first two turns warm up.
  ///
  /// @param sides what is measured
  /// @param counted how many turns count
  /// @param turned hears of every turn that is done, warm-up included
  /// @throws CancellationException when the thread was interrupted
  public static Turns alternate(Sides sides, int counted, IntConsumer turned) {
    List<Turn> turns = new ArrayList<>();
    for (int turn = 0; turn < count(counted); turn++) {
      if (Thread.interrupted()) {
        throw new CancellationException("interrupted");
      }
      Turn both = new Turn(Timing.of(sides.dense()), Timing.of(sides.sparse()));
      if (turn >= WARM_UP) {
        turns.add(both);
      }
      turned.accept(turn + 1);
    }
    return new Turns(sides.tokens(), turns);
  }

  /// What is measured; each side waits until it is done.
  ///
  /// @param tokens of one turn of one side
  /// @param dense the baseline
  /// @param sparse the model with experts
  public record Sides(long tokens, Runnable dense, Runnable sparse) {}

  /// Of the model with experts, the median.
  public double tokensPerSecond() {
    return tokens / medians().sparse().wallSeconds();
  }

  /// Of the baseline, the median.
  public double denseTokensPerSecond() {
    return tokens / medians().dense().wallSeconds();
  }

  /// Median over the turns of the time with experts in units of the baseline's.
  public double ratio() {
    return median(Turn::ratio);
  }

  /// The same of processor time.
  public double cpuRatio() {
    return median(Turn::cpuRatio);
  }

  /// The median of each time by itself. A ratio of these is not [#ratio]: the two times of a turn
  /// shared the machine's mood, these may not have.
  public Turn medians() {
    return new Turn(
        new Timing(
            median(turn -> turn.dense().wallSeconds()), median(turn -> turn.dense().cpuSeconds())),
        new Timing(
            median(turn -> turn.sparse().wallSeconds()),
            median(turn -> turn.sparse().cpuSeconds())));
  }

  private double median(ToDoubleFunction<Turn> figure) {
    return Median.of(all.stream().mapToDouble(figure));
  }
}
