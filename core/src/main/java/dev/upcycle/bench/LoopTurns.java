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
  private static final long LONGEST_WAIT_SECONDS = 60;

  private final TrainBench.Setting setting;
  private final Path checkpoints;
  private final BareSide bare;
  private final IntConsumer turned;
  private final List<Double> seconds = new ArrayList<>();
  private final List<TrainTurn> turns = new ArrayList<>();
  private Stopwatch turn = new Stopwatch();
  private Stopwatch step = new Stopwatch();
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
    turn = new Stopwatch();
    step = turn;
  }

  @Override
  public void stepped(StepReport report) {
    seconds.add(step.read().wallSeconds());
    tokens += report.tokens();
    int done = Math.toIntExact(report.stageStep());
    if (done == setting.end(turns.size())) {
      end(done);
    }
    step = new Stopwatch();
  }

  private void end(int done) {
    int last = done / setting.every() * setting.every();
    if (last > 0) {
      await(checkpoints.resolve("step-" + last));
    }
    TrainTurn.Side loop = new TrainTurn.Side(tokens, turn.read());
    Stopwatch watch = new Stopwatch();
    long bareTokens = bare.step(begun, done);
    TrainTurn.Side alone = new TrainTurn.Side(bareTokens, watch.read());
    turns.add(new TrainTurn(loop, alone, stall(last - begun)));
    turned.accept(turns.size());
    seconds.clear();
    tokens = 0;
    begun = done;
    turn = new Stopwatch();
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
