package dev.upcycle.train;

import dev.upcycle.data.Position;
import dev.upcycle.kernels.moe.NoiseCounter;
import dev.upcycle.recipe.Stage;
import dev.upcycle.recipe.Start;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.CancellationException;

/// The steps of one stage.
///
/// Owns its averages and the copies of its checkpoints, neither model nor rows.
final class StageRun implements AutoCloseable {
  private final Place place;
  private final Stage stage;
  private final StageModel model;
  private final StageRows rows;
  private final long steps;
  private final Optional<MovingAverage> average;
  private final RouterWatch watch;
  private final StageCheckpoints checkpoints;
  private LrSchedule schedule;
  private RunState state;
  private OptionalDouble measured = OptionalDouble.empty();

  /// A stage at its beginning.
  StageRun(Place place, StageModel model, StageRows rows) {
    this.place = place;
    this.stage = place.stage();
    this.model = model;
    this.rows = rows;
    this.steps = rows.steps();
    this.average =
        stage.updates().average().map(decay -> new MovingAverage(decay, model.moments()));
    this.watch = new RouterWatch(model.routers(), RouterWatch.INTERVAL);
    this.checkpoints = new StageCheckpoints(place.folder(), stage, model, average);
    this.schedule = LrSchedule.of(stage.updates().schedule(), steps);
    this.state = RunState.begin(place.index(), 0, 0, Position.START);
  }

  /// Where a stage stands in its run.
  ///
  /// @param index from 0
  /// @param folder of the run
  record Place(int index, Stage stage, RunFolder folder) {}

  /// Goes on from a checkpoint of this stage.
  void resume(Path checkpoint, RunState at) {
    checkpoints.restore(checkpoint, at);
    keepShare(at.share());
    rows.seek(at.position());
    state = at;
  }

  /// Begins after the last checkpoint of another stage.
  ///
  /// @param left what that stage left
  /// @param origins the tensor of that stage's model that one of this stage's is a copy of
  void carry(StageEnd left, Map<String, String> origins) {
    switch (stage.start().moments()) {
      case RESET -> {}
      case COPY ->
          OptimizerFile.carry(
              StageCheckpoints.optimizer(left.result()),
              model.moments(),
              name -> origins.getOrDefault(name, name));
    }
    RunState last = left.state().reading(left.state().position().after(List.of()));
    keepShare(last.share());
    Position position =
        switch (stage.start().data()) {
          case RESTART -> Position.START;
          case KEEP -> {
            rows.seek(last.position());
            yield last.position();
          }
        };
    state = RunState.begin(place.index(), last.step(), last.share(), position);
  }

  private void keepShare(double share) {
    if (stage.start().schedule() == Start.Schedule.KEEP) {
      schedule = new LrSchedule.Kept(share);
    }
  }

  private StageSummary summary() {
    return StageSummary.of(place.index(), stage, model, steps).after(state.stageStep());
  }

  /// Takes the steps that are left and leaves a checkpoint of the end.
  ///
  /// @param seed of the run
  void run(long seed, TrainListener listener) {
    listener.began(summary());
    Path own = place.folder().stage(place.index(), stage.name());
    try (MetricsLog log = MetricsLog.after(state.step(), own)) {
      openValidation();
      settle(log, listener);
      while (!over()) {
        step(seed, log, listener);
        settle(log, listener);
      }
      state = state.at(RunState.Progress.ENDED);
      saveNow(listener);
    } catch (InterruptedException e) {
      saveNow(listener);
      CancellationException cancelled =
          new CancellationException("interrupted after step " + state.step());
      cancelled.initCause(e);
      throw cancelled;
    }
    listener.ended(summary(), measured);
  }

  private boolean over() {
    Optional<Integer> patience = stage.validation().flatMap(Stage.Validation::patience);
    int worse = state.best().map(RunState.Best::worse).orElse(0);
    return state.stageStep() >= steps || patience.filter(most -> worse >= most).isPresent();
  }

  private void step(long seed, MetricsLog log, TrainListener listener) throws InterruptedException {
    List<TokenBatch> batches = rows.next();
    rows.passedOver().forEach(listener::passedOver);
    NoiseCounter noise = new NoiseCounter(seed, place.index(), state.stageStep(), 0, 0);
    StepLosses losses = model.backward(batches, noise);
    double share = schedule.share(state.stageStep());
    requireFinite(losses.total(), "its loss is");
    StageOptimizer.Taken taken = model.optimizer().step(share);
    requireFinite(taken.gradientNorm(), "the norm of its gradients is");
    average.ifPresent(MovingAverage::update);
    state = state.after(share, rows.position());
    StepReport report =
        new StepReport(
            stage.name(),
            state.step(),
            state.stageStep(),
            steps,
            losses,
            taken.gradientNorm(),
            taken.largestRate(),
            batches.stream().mapToLong(TokenBatch::tokens).sum(),
            state.position().epoch());
    place.folder().keep();
    log.add(report);
    listener.stepped(report);
    watch.after(losses).forEach(warning -> listener.warned(state.step(), warning));
  }

  private void requireFinite(double value, String what) {
    if (!Double.isFinite(value)) {
      checkpoints.await();
      throw new NonFiniteLossException(
          String.format(
              Locale.ROOT,
              "step %d of stage %s diverged: %s %s; %s. Lower the rates, warm up longer or set"
                  + " clip_norm, and begin another run",
              state.step() + 1,
              stage.name(),
              what,
              value,
              place
                  .folder()
                  .checkpoints()
                  .newest()
                  .map(good -> "the last good checkpoint is " + good)
                  .orElse("there is no checkpoint before")));
    }
  }

  /// Measures and saves where it is time, and was not done before the run was interrupted.
  private void settle(MetricsLog log, TrainListener listener) throws InterruptedException {
    checkpoints.finished().ifPresent(listener::saved);
    if (Thread.interrupted()) {
      throw new InterruptedException();
    }
    boolean better = measureDue() && measure(log, listener);
    boolean due = better || every(stage.checkpoints().every());
    if (due && state.stageStep() > 0 && state.stageStep() < steps) {
      checkpoints.save(state);
    }
  }

  private boolean measureDue() {
    boolean last = state.stageStep() == steps;
    return state.stageStep() > 0
        && state.measured() < state.step()
        && stage.validation().isPresent()
        && (last || every(stage.validation().flatMap(Stage.Validation::every)));
  }

  /// Whether it is the best so far.
  private boolean measure(MetricsLog log, TrainListener listener) throws InterruptedException {
    ValidationLoss loss = measuredLoss();
    measured = OptionalDouble.of(loss.mean());
    log.addValidation(state.step(), loss);
    listener.validated(state.step(), loss);
    rows.passedOver().forEach(listener::passedOver);
    state = state.reading(rows.position()).measured(loss.mean());
    return state.best().filter(best -> best.step() == state.step()).isPresent();
  }

  private ValidationLoss measuredLoss() throws InterruptedException {
    if (average.isEmpty()) {
      return modelLoss();
    }
    try (MovingAverage.Swap _ = average.get().swap()) {
      return modelLoss();
    }
  }

  private ValidationLoss modelLoss() throws InterruptedException {
    try {
      return rows.measure(model).orElseThrow();
    } catch (UncheckedIOException e) {
      throw interruptedOr(e);
    }
  }

  private void openValidation() throws InterruptedException {
    try {
      rows.openValidation();
    } catch (UncheckedIOException e) {
      throw interruptedOr(e);
    }
  }

  /// An interrupt closes the file that is being read, whose reader then tells of that.
  private static UncheckedIOException interruptedOr(UncheckedIOException fault)
      throws InterruptedException {
    if (Thread.interrupted()) {
      InterruptedException interrupted = new InterruptedException();
      interrupted.initCause(fault);
      throw interrupted;
    }
    return fault;
  }

  private boolean every(Optional<Integer> interval) {
    return interval.filter(every -> state.stageStep() % every == 0).isPresent();
  }

  private void saveNow(TrainListener listener) {
    checkpoints.finished().ifPresent(listener::saved);
    checkpoints.save(state);
    checkpoints.await().ifPresent(listener::saved);
  }

  @Override
  public void close() {
    watch.close();
    checkpoints.close();
    average.ifPresent(MovingAverage::close);
  }
}
