package dev.upcycle.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.IntConsumer;

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
  public static int count(ComputeSettings settings) {
    return WARM_UP + settings.turns();
  }

  /// Runs both sides one after the other, over and over; the first two turns warm up.
  ///
  /// @param turned hears of every turn that is done, warm-up included
  static List<Turn> alternate(
      Runnable dense, Runnable sparse, ComputeSettings settings, IntConsumer turned) {
    List<Turn> turns = new ArrayList<>();
    for (int turn = 0; turn < count(settings); turn++) {
      if (Thread.interrupted()) {
        throw new CancellationException("interrupted");
      }
      Turn both = new Turn(Timing.of(dense), Timing.of(sparse));
      if (turn >= WARM_UP) {
        turns.add(both);
      }
      turned.accept(turn + 1);
    }
    return turns;
  }

  /// Of the model with experts, the median.
  public double tokensPerSecond() {
    return tokens / Turn.median(all, turn -> turn.sparse().wallSeconds());
  }

  /// Of the baseline, the median.
  public double denseTokensPerSecond() {
    return tokens / Turn.median(all, turn -> turn.dense().wallSeconds());
  }

  /// Median over the turns of the time with experts in units of the baseline's.
  public double ratio() {
    return Turn.median(all, Turn::ratio);
  }

  /// The same of processor time.
  public double cpuRatio() {
    return Turn.median(all, Turn::cpuRatio);
  }
}
