package dev.upcycle.bench;

import dev.upcycle.kernels.bench.Median;
import dev.upcycle.train.StageSummary;
import dev.upcycle.train.StepReport;
import dev.upcycle.train.TrainListener;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.IntConsumer;

/// Times the steps of a run from between them, and has the bare step take its turns while the run
/// waits.
///
/// A turn ends half an interval after the checkpoint in it; where that is not yet written, the run
/// is charged with waiting for it, so that the bare step never shares the machine with the writer.
final class LoopTurns implements TrainListener {
  private static final double NANOS = 1e9;
  private static final long LONGEST_WAIT_SECONDS = 60;

  private final TrainBench.Setting setting;
  private final Path checkpoints;
  private final BareSide bare;
  private final IntConsumer turned;
  private final List<Double> seconds = new ArrayList<>();
  private final List<TrainTurn> turns = new ArrayList<>();
  private long mark;
  private long tokens;
  private int begun;

  /// @param checkpoints the folder that the run puts them in
  LoopTurns(TrainBench.Setting setting, Path checkpoints, BareSide bare, IntConsumer turned) {
    this.setting = setting;
    this.checkpoints = checkpoints;
    this.bare = bare;
    this.turned = turned;
  }

  /// All turns, those that warm up first.
  List<TrainTurn> turns() {
    return List.copyOf(turns);
  }

  @Override
  public void began(StageSummary stage) {
    mark = System.nanoTime();
  }

  @Override
  public void stepped(StepReport step) {
    seconds.add((System.nanoTime() - mark) / NANOS);
    tokens += step.tokens();
    int done = Math.toIntExact(step.stageStep());
    if (done == setting.end(turns.size())) {
      end(done);
    }
    mark = System.nanoTime();
  }

  private void end(int done) {
    long start = System.nanoTime();
    int last = done / setting.every() * setting.every();
    if (last > 0) {
      await(checkpoints.resolve("step-" + last));
    }
    double waited = (System.nanoTime() - start) / NANOS;
    long bareStart = System.nanoTime();
    long bareTokens = bare.step(begun, done);
    double bareSeconds = (System.nanoTime() - bareStart) / NANOS;
    turns.add(
        new TrainTurn(
            new TrainTurn.Side(tokens, sum(seconds) + waited),
            new TrainTurn.Side(bareTokens, bareSeconds),
            stall(last - begun)));
    turned.accept(turns.size());
    seconds.clear();
    tokens = 0;
    begun = done;
  }

  private static void await(Path checkpoint) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LONGEST_WAIT_SECONDS);
    while (Files.notExists(checkpoint) && System.nanoTime() < deadline) {
      try {
        TimeUnit.MILLISECONDS.sleep(1);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }

  private static double sum(List<Double> seconds) {
    return seconds.stream().mapToDouble(Double::doubleValue).sum();
  }

  /// What the step after the checkpoint takes longer than the median of the others, in its parts; 0
  /// in a turn without one.
  ///
  /// @param after which step of the turn it is, from 0
  private double stall(int after) {
    if (after <= 0) {
      return 0;
    }
    List<Double> others = new ArrayList<>(seconds);
    double slow = others.remove(after);
    return slow / Median.of(others.stream().mapToDouble(Double::doubleValue)) - 1;
  }
}
