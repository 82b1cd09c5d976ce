package dev.upcycle.train;

import dev.upcycle.data.Position;
import dev.upcycle.kernels.moe.NoiseCounter;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.plan.PlanException;
import dev.upcycle.recipe.Stage;
import dev.upcycle.recipe.Start;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.CancellationException;

/// The steps of one stage; owns nothing.
final class StageRun {
  /// The folder of a checkpoint that holds the model.
  static final String MODEL = "model";

  private static final String OPTIMIZER = "optimizer.safetensors";

  private final Place place;
  private final Stage stage;
  private final StageModel model;
  private final StageRows rows;
  private final long steps;
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
    this.schedule = LrSchedule.of(stage.updates().schedule(), steps);
    this.state =
        new RunState(
            place.index(), 0, 0, RunState.Progress.RUNNING, 0, Position.START, Optional.empty());
  }

  /// Where a stage stands in its run.
  ///
  /// @param index from 0
  /// @param folder of the run
  record Place(int index, Stage stage, RunFolder folder) {}

  /// Goes on from a checkpoint of this stage.
  void resume(Path checkpoint, RunState at) {
    OptimizerFile.restore(checkpoint.resolve(OPTIMIZER), model.moments());
    keepShare(at.share());
    rows.seek(at.position());
    state = at;
  }

  /// Begins after the last checkpoint of another stage.
  ///
  /// @param origins the tensor of that stage's model that one of this stage's is a copy of
  void carry(Path checkpoint, Map<String, String> origins, Stage before) {
    RunState left = RunState.read(checkpoint.resolve(RunState.FILE_NAME));
    switch (stage.start().moments()) {
      case RESET -> {}
      case COPY ->
          OptimizerFile.carry(
              checkpoint.resolve(OPTIMIZER),
              model.moments(),
              name -> origins.getOrDefault(name, name));
    }
    keepShare(left.share());
    Position position =
        switch (stage.start().data()) {
          case RESTART -> Position.START;
          case KEEP -> {
            requireSameData(before);
            rows.seek(left.position());
            yield left.position();
          }
        };
    state =
        new RunState(
            place.index(),
            0,
            left.step(),
            RunState.Progress.RUNNING,
            left.share(),
            position,
            Optional.empty());
  }

  private void keepShare(double share) {
    if (stage.start().schedule() == Start.Schedule.KEEP) {
      schedule = new LrSchedule.Kept(share);
    }
  }

  private void requireSameData(Stage before) {
    boolean same =
        before.data().equals(stage.data()) && before.pace().batch() == stage.pace().batch();
    if (!same) {
      throw new PlanException(
          List.of(
              "stage %s keeps the place in the data of stage %s, but reads other data or another batch; expected the same, or carry.data: restart"
                  .formatted(stage.name(), before.name())));
    }
  }

  /// What the stage does.
  StageSummary summary() {
    return summary(place.index(), stage, model, new Extent(steps, state.stageStep()));
  }

  /// How long a stage is.
  ///
  /// @param taken steps of it that were taken before
  record Extent(long steps, long taken) {}

  static StageSummary summary(int index, Stage stage, StageModel model, Extent extent) {
    long trained = elements(model.optimizer().parameters());
    long all = elements(model.parameters());
    int width =
        switch (stage.compute().precision()) {
          case F32 -> Float.BYTES;
          case BF16 -> Short.BYTES;
        };
    long master = width == Float.BYTES ? 0 : Float.BYTES;
    return new StageSummary(
        index,
        stage.name(),
        extent.steps(),
        extent.taken(),
        model.parameters().size(),
        model.optimizer().parameters().size(),
        trained,
        all * width + trained * (width + master + 2 * Float.BYTES));
  }

  private static long elements(Map<String, Tensor> tensors) {
    return tensors.values().stream().mapToLong(Tensor::elements).sum();
  }

  /// Takes the steps that are left and leaves a checkpoint of the end.
  ///
  /// @param seed of the run
  void run(long seed, TrainListener listener) {
    listener.began(summary());
    Path own = place.folder().stage(place.index(), stage.name());
    try (MetricsLog log = MetricsLog.after(state.step(), own)) {
      boolean patient = true;
      while (state.stageStep() < steps && patient) {
        step(seed, log, listener);
        patient = afterStep(log, listener);
      }
      state = state.at(RunState.Progress.ENDED);
      save(listener);
    } catch (InterruptedException e) {
      save(listener);
      CancellationException cancelled =
          new CancellationException("interrupted after step " + state.step());
      cancelled.initCause(e);
      throw cancelled;
    }
    listener.ended(summary(), measured);
  }

  private void step(long seed, MetricsLog log, TrainListener listener) throws InterruptedException {
    List<TokenBatch> batches = rows.next();
    NoiseCounter noise = new NoiseCounter(seed, place.index(), state.stageStep(), 0, 0);
    StepLosses losses = model.backward(batches, noise);
    double share = schedule.share(state.stageStep());
    requireFinite(losses.total(), "its loss is");
    StageOptimizer.Taken taken = model.optimizer().step(share);
    requireFinite(taken.gradientNorm(), "the norm of its gradients is");
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
    log.add(report);
    listener.stepped(report);
  }

  private void requireFinite(double value, String what) {
    if (!Double.isFinite(value)) {
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
                  .newest()
                  .map(good -> "the last good checkpoint is " + good)
                  .orElse("there is no checkpoint before")));
    }
  }

  /// Measures and saves where it is time; false where patience is at its end.
  private boolean afterStep(MetricsLog log, TrainListener listener) throws InterruptedException {
    boolean last = state.stageStep() == steps;
    boolean better = false;
    boolean measures =
        stage
            .validation()
            .filter(_ -> last || every(stage.validation().flatMap(Stage.Validation::every)))
            .isPresent();
    if (measures) {
      ValidationLoss found = rows.measure(model).orElseThrow();
      double loss = found.mean();
      measured = OptionalDouble.of(loss);
      log.addValidation(state.step(), found);
      listener.validated(state.step(), found);
      better = state.best().map(best -> loss < best.loss()).orElse(true);
      state = state.measured(loss);
    }
    if (Thread.interrupted()) {
      throw new InterruptedException();
    }
    if (!last && (better || every(stage.checkpoints().every()))) {
      save(listener);
    }
    Optional<Integer> patience = stage.validation().flatMap(Stage.Validation::patience);
    int worse = state.best().map(RunState.Best::worse).orElse(0);
    return patience.isEmpty() || worse < patience.get();
  }

  private boolean every(Optional<Integer> interval) {
    return interval.filter(every -> state.stageStep() % every == 0).isPresent();
  }

  private void save(TrainListener listener) {
    RunFolder folder = place.folder();
    Path saved =
        folder.save(
            state.step(),
            unfinished -> {
              model.write(unfinished.resolve(MODEL));
              OptimizerFile.write(unfinished.resolve(OPTIMIZER), model.moments());
              RunFolder.write(unfinished.resolve(RunState.FILE_NAME), state.toJson());
            });
    long best = state.best().map(RunState.Best::step).orElse(-1L);
    Optional<Integer> kept = stage.checkpoints().keepEvery();
    folder.prune(step -> step == best || kept.filter(every -> step % every == 0).isPresent());
    listener.saved(saved);
  }
}
