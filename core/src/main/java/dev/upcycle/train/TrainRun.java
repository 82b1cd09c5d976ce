package dev.upcycle.train;

import dev.upcycle.arch.Composition;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.write.CheckpointWriter;
import dev.upcycle.checkpoint.write.FreeSpace;
import dev.upcycle.checkpoint.write.OutputException;
import dev.upcycle.checkpoint.write.ResourceException;
import dev.upcycle.convert.FreshConnector;
import dev.upcycle.convert.Manifest;
import dev.upcycle.convert.PlanExecutor;
import dev.upcycle.convert.Progress;
import dev.upcycle.data.SkipLimit;
import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Device;
import dev.upcycle.model.ModelOptions;
import dev.upcycle.plan.DenseSource;
import dev.upcycle.plan.PlanException;
import dev.upcycle.plan.Planner;
import dev.upcycle.plan.UpcyclePlan;
import dev.upcycle.recipe.Part;
import dev.upcycle.recipe.ResolvedRecipe;
import dev.upcycle.recipe.Stage;
import dev.upcycle.sample.Directories;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.stream.Collectors;

/// Runs a recipe's stages one after the other, from the beginning or from the newest checkpoint.
public final class TrainRun {
  private final Request request;
  private final List<Stage> stages;
  private final List<PlannedModel> models;
  private final TrainListener listener;

  private TrainRun(Request request, TrainListener listener) {
    TrainedModel.requireTrainable(request.source());
    this.request = request;
    this.stages = stages(request.recipe());
    this.models = PlannedModel.of(request.source(), request.recipe(), stages);
    this.listener = listener;
  }

  /// Whether a run begins.
  public enum Mode {
    FRESH,
    /// Goes on from the newest checkpoint; begins where there is none.
    RESUME
  }

  /// What to run.
  ///
  /// @param source the model that the first stage begins with
  /// @param recipe with a section `train`
  /// @param device where it computes
  /// @param threads that make samples
  /// @param skip how many bad rows of a stage are passed over
  public record Request(
      Checkpoint source, ResolvedRecipe recipe, Device device, int threads, SkipLimit skip) {
    /// Without any bad row.
    public Request(Checkpoint source, ResolvedRecipe recipe, Device device, int threads) {
      this(source, recipe, device, threads, SkipLimit.NONE);
    }
  }

  /// Where a run works, and how it begins there.
  ///
  /// @param out its folder
  /// @param allowed what may differ from what a run that goes on began with
  public record Place(Path out, Mode mode, Set<RunChange> allowed) {
    /// Takes a copy.
    public Place {
      allowed = Set.copyOf(allowed);
    }
  }

  /// What a run made.
  ///
  /// @param model the folder of the result
  /// @param steps that were taken in all, those of earlier processes included
  public record Result(Path model, long steps) {}

  /// Puts a LLaVA together from an image tower and a decoder, with a connector that has learned
  /// nothing; it is drawn into the folder of the run, the same each time.
  ///
  /// @param parts where the two lie
  /// @throws dev.upcycle.checkpoint.write.OutputException when the folder may not be used
  public static Checkpoint withFreshConnector(
      Map<Part, Path> parts, ResolvedRecipe recipe, Path out, Mode mode) {
    Path drawn = out.resolve(RunFolder.CONNECTOR);
    try {
      RunFolder.requireUsable(out, mode);
      Files.createDirectories(out);
    } catch (IOException e) {
      throw ResourceException.refused(out, e);
    }
    Path vision = Optional.ofNullable(parts.get(Part.VISION)).orElseThrow();
    Path language = Optional.ofNullable(parts.get(Part.LANGUAGE)).orElseThrow();
    FreshConnector.between(vision, language, recipe.recipe()).write(drawn);
    return DenseSource.assemble(
        Map.of(Part.VISION, vision, Part.LANGUAGE, language, Part.CONNECTOR, drawn));
  }

  /// Runs it with what it began with.
  ///
  /// @see #run(Request, Place, TrainListener)
  public static Result run(Request request, Path out, Mode mode, TrainListener listener) {
    return run(request, new Place(out, mode, Set.of()), listener);
  }

  /// Runs it.
  ///
  /// An interrupt of the calling thread lets the step in work end, saves, and ends the run with
  /// [java.util.concurrent.CancellationException].
  ///
  /// @throws PlanException when a stage of the recipe does not fit the model or its data, before
  ///   anything is written
  /// @throws NonFiniteLossException when a loss or the gradients are not finite
  /// @throws dev.upcycle.checkpoint.write.OutputException when the folder may not be used
  /// @throws dev.upcycle.checkpoint.write.ResourceException when disk or lock refuse
  public static Result run(Request request, Place place, TrainListener listener) {
    return run(request, place, listener, FreeSpace.OF_THE_FILE_STORE);
  }

  static Result run(Request request, Place place, TrainListener listener, FreeSpace space) {
    TrainRun run = new TrainRun(request, listener);
    if (place.mode() == Mode.FRESH) {
      run.requireFit();
    }
    run.requireMemory(MemoryLimit.ofThisMachine());
    run.requireRoom(place.out(), space);
    RunIdentity identity = RunIdentity.of(request.source(), request.recipe(), run.stages);
    try (RunFolder folder = RunFolder.open(identity, place)) {
      if (place.mode() == Mode.RESUME) {
        // What is not what the run began with is told before what is wrong with it.
        run.requireFit();
      }
      folder.checkpoints().torn().forEach(listener::tornCheckpoint);
      return run.run(folder);
    }
  }

  /// What a run in a place would do and need; nothing is kept of the steps that it tries.
  ///
  /// @throws dev.upcycle.checkpoint.write.ResourceException also when its folder does not fit the
  ///   disk
  /// @see #preview(Request)
  public static TrainPreview preview(Request request, Path out) {
    TrainRun run = new TrainRun(request, TrainListener.SILENT);
    run.requireFit();
    run.requireRoom(out, FreeSpace.OF_THE_FILE_STORE);
    return run.preview();
  }

  /// What a run would do and need; nothing is kept of the steps that it tries.
  ///
  /// @throws PlanException when the recipe does not fit the model
  /// @throws dev.upcycle.checkpoint.write.ResourceException when a stage does not fit the memory
  public static TrainPreview preview(Request request) {
    TrainRun run = new TrainRun(request, TrainListener.SILENT);
    run.requireFit();
    return run.preview();
  }

  private TrainPreview preview() {
    List<MemoryForecast> forecasts = requireMemory(MemoryLimit.ofThisMachine());
    Stage first = stages.getFirst();
    try (StageModel model = open(StageBase.of(request.source()), first);
        StageRows rows = StageRows.open(first, model.base(), request)) {
      return new TrainPreview(
          StageSummary.of(0, first, model, rows.steps()),
          forecasts,
          disk(),
          StepTrial.seconds(first, model, rows));
    } catch (InterruptedException e) {
      CancellationException cancelled = new CancellationException("interrupted");
      cancelled.initCause(e);
      throw cancelled;
    }
  }

  private void requireFit() {
    StageFit.require(request, stages, models);
  }

  /// Refuses stages that need more than there is, before anything is read or written.
  ///
  /// A GPU's memory is not known here; what does not fit it ends with the first step.
  List<MemoryForecast> requireMemory(Optional<MemoryLimit> limit) {
    List<MemoryForecast> forecasts = new ArrayList<>();
    for (int index = 0; index < stages.size(); index++) {
      Stage stage = stages.get(index);
      StageMemory model = new StageMemory(models.get(index));
      if (request.device().equals(Device.CPU)) {
        limit.ifPresent(most -> most.require(stage, model));
      }
      forecasts.add(model.forecast(stage));
    }
    return forecasts;
  }

  private DiskForecast disk() {
    return RunDisk.forecast(request.source(), stages, models);
  }

  /// Refuses a run whose folder does not fit the disk; what lies there already is part of it.
  private void requireRoom(Path out, FreeSpace space) {
    DiskForecast forecast = disk();
    try {
      forecast.require(out, Math.addExact(space.bytes(out), Directories.bytes(out)));
    } catch (IOException e) {
      throw ResourceException.refused(out, e);
    }
  }

  private static List<Stage> stages(ResolvedRecipe recipe) {
    return recipe
        .recipe()
        .training()
        .orElseThrow(() ->
            new PlanException(
                List.of(
                    "recipe %s has no section `train:`, which says what trains at which rate"
                        .formatted(recipe.recipe().name()))))
        .stages();
  }

  private Result run(RunFolder folder) {
    Optional<RunState> state = folder.checkpoints().newest().map(RunState::of);
    state.ifPresent(this::requireStage);
    boolean between = state.filter(at -> at.progress() == RunState.Progress.ENDED).isPresent();
    state.ifPresent(
        at -> folder.requireBegun(stages.stream().map(Stage::name).toList(), at.stage()));
    int first = state.map(RunState::stage).orElse(0) + (between ? 1 : 0);
    Optional<RunState> resumed = state.filter(_ -> !between);
    for (int index = first; index < stages.size(); index++) {
      stage(index, folder, index == first ? resumed : Optional.empty());
    }
    StageEnd end = end(folder, folder.checkpoints().newest().orElseThrow());
    return new Result(folder.finish(end.model(), end.origin()), end.state().step());
  }

  private void requireStage(RunState state) {
    if (state.stage() >= stages.size()) {
      throw new OutputException(
          "the run stands in its stage %d after step %d, and the recipe has %d; give one that has it, or begin another run"
              .formatted(state.stage() + 1, state.step(), stages.size()));
    }
  }

  /// What the stage of the newest checkpoint left.
  private StageEnd end(RunFolder folder, Path newest) {
    RunState state = RunState.of(newest);
    return StageEnd.of(stages.get(state.stage()), state, folder);
  }

  private void stage(int index, RunFolder folder, Optional<RunState> resumed) {
    Stage stage = stages.get(index);
    Optional<Path> newest = folder.checkpoints().newest();
    Optional<StageEnd> before = newest.map(last -> end(folder, last));
    Optional<Path> begun =
        resumed.isPresent()
            ? newest.map(checkpoint -> checkpoint.resolve(StageCheckpoints.MODEL))
            : before.map(StageEnd::model);
    Checkpoint left = begun.map(Checkpoint::open).orElse(request.source());
    boolean upcycles = resumed.isEmpty() && !stage.start().upcycle().isEmpty();
    StageBase base = upcycles ? upcycled(index, left, folder) : StageBase.of(left);
    try (StageModel model = open(base, stage);
        StageRows rows = StageRows.open(stage, model.base(), request);
        StageRun run = new StageRun(new StageRun.Place(index, stage, folder), model, rows)) {
      if (resumed.isPresent()) {
        run.resume(newest.orElseThrow(), resumed.get());
      } else if (before.isPresent()) {
        run.carry(before.get(), models.get(index).origins());
      }
      run.run(request.recipe().recipe().seed(), listener);
    }
  }

  /// The model of the stage before with experts; made again where a killed run left it unfinished.
  private StageBase upcycled(int index, Checkpoint left, RunFolder folder) {
    List<Part> parts = stages.get(index).start().upcycle();
    UpcyclePlan plan = Planner.plan(left, request.recipe().of(parts));
    Path out = folder.upcycled(index, stages.get(index).name());
    folder.discard(out);
    PlanExecutor.run(
        plan,
        left,
        new PlanExecutor.Options(out, CheckpointWriter.Mode.FRESH, request.threads()),
        Progress.SILENT);
    Manifest conversion = Manifest.read(out);
    Lineage lineage =
        Lineage.beside(left)
            .map(before -> before.then(conversion))
            .orElseGet(() -> Lineage.of(conversion, request.source(), trainedBefore(index)));
    return new StageBase(Checkpoint.open(out), Optional.of(lineage));
  }

  /// Names of the tensors of the run's source that the stages before one have trained.
  private Set<String> trainedBefore(int index) {
    Set<String> names = request.source().tensors().keySet();
    ParameterChoice choice =
        new ParameterChoice(Composition.read(request.source().config(), names));
    return names.stream()
        .filter(name ->
            stages.subList(0, index).stream()
                .anyMatch(stage -> choice.rate(name, stage.updates()) > 0))
        .collect(Collectors.toSet());
  }

  private StageModel open(StageBase base, Stage stage) {
    DType compute =
        switch (stage.compute().precision()) {
          case F32 -> DType.F32;
          case BF16 -> DType.BF16;
        };
    ModelOptions options = new ModelOptions(request.device(), compute);
    options.useThreads(request.threads());
    return StageModel.open(base, stage, options, request.recipe().recipe().output());
  }
}
