package dev.upcycle.quickstart;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.write.OutputException;
import dev.upcycle.evaluate.ModalLoad;
import dev.upcycle.evaluate.SampleEvaluation;
import dev.upcycle.model.ModelOptions;
import dev.upcycle.recipe.Recipes;
import dev.upcycle.recipe.ResolvedRecipe;
import dev.upcycle.recipe.Setting;
import dev.upcycle.recipe.Stage;
import dev.upcycle.sample.DrawnData;
import dev.upcycle.sample.DrawnModel;
import dev.upcycle.sample.Quickstart;
import dev.upcycle.train.TrainListener;
import dev.upcycle.train.TrainRun;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/// CuMo from end to end on drawn data: a tower, a connector and a decoder that know nothing are
/// trained in its three stages, the last with experts, and beside that goes on dense.
public final class CumoQuickstart {
  private static final String DATA = "data";
  private static final String RUN = "run";
  private static final String SCRATCH = "scratch";
  private static final String DENSE = "dense";
  private static final long NANOS_PER_MILLI = 1_000_000;

  private final Request request;
  private final HeldOutAnswers answers;
  private final TrainListener listener;

  private CumoQuickstart(Request request, TrainListener listener) {
    this.request = request;
    this.listener = listener;
    this.answers = new HeldOutAnswers(path(DATA), request.options(), request.size().questions());
  }

  /// What the result is held against, beside the dense model that takes as many steps.
  public enum Controls {
    NONE,
    /// Experts and routers drawn afresh, and a dense model that may compute as much.
    ALL
  }

  /// What to run.
  ///
  /// @param out a directory that is empty or not there yet
  /// @param options of the models
  /// @param threads that make samples and compute
  /// @param size of the run
  public record Request(
      Path out, ModelOptions options, int threads, Controls controls, Size size) {}

  /// How long a run is.
  ///
  /// @param pretrain steps of the first stage
  /// @param preFinetune steps of the second
  /// @param tuning steps of the third
  /// @param questions that each model is asked, at most
  public record Size(int pretrain, int preFinetune, int tuning, long questions) {
    /// Steps as the recipe says, and every question.
    public static final Size USUAL = new Size(40, 200, 120, Long.MAX_VALUE);

    /// Enough to see how it goes, not what it gives.
    public static final Size BRIEF = new Size(2, 2, 3, 3);

    private List<Setting> settings() {
      List<Integer> all = List.of(pretrain, preFinetune, tuning);
      return IntStream.range(0, all.size())
          .mapToObj(i -> Setting.parse("train.stages.%d.steps=%d".formatted(i, all.get(i))))
          .toList();
    }
  }

  /// What a stage came to.
  ///
  /// @param name of the stage
  /// @param steps that it took
  /// @param firstLoss the cross-entropy of its first step, on its own data
  /// @param lastLoss the mean of its last steps
  /// @param model the folder of what it left
  /// @param heldOut the questions that no stage shows
  public record Branch(
      String name,
      int steps,
      double firstLoss,
      double lastLoss,
      Path model,
      SampleEvaluation heldOut) {
    private Branch called(String other) {
      return new Branch(other, steps, firstLoss, lastLoss, model, heldOut);
    }
  }

  /// What came of it.
  ///
  /// @param stages CuMo's three
  /// @param controls in the place of the third: dense with as many steps, then those asked for
  /// @param costPerRow what a row costs with experts, where it costs 1 dense
  /// @param recipe the file of the stages
  /// @param millis how long all took
  public record Result(
      List<Branch> stages, List<Branch> controls, double costPerRow, Path recipe, long millis) {
    /// Takes copies.
    public Result {
      stages = List.copyOf(stages);
      controls = List.copyOf(controls);
    }

    /// The trained model with experts.
    public Branch upcycled() {
      return stages.getLast();
    }

    /// The model that went on without them.
    public Branch dense() {
      return controls.getFirst();
    }

    /// How tokens of the held-out images are shared among the experts.
    public List<ModalLoad> loads() {
      return upcycled().heldOut().layers();
    }
  }

  /// Runs it.
  ///
  /// An interrupt of the calling thread ends it with [InterruptedException] or
  /// [java.util.concurrent.CancellationException].
  ///
  /// @throws OutputException when something lies in the directory
  public static Result run(Request request, TrainListener listener) throws InterruptedException {
    long start = System.nanoTime();
    Quickstart.refuseUnlessEmpty(request.out());
    CumoQuickstart quickstart = new CumoQuickstart(request, listener);
    DrawnData.writeTo(quickstart.path(DATA));
    DrawnModel.writeTo(quickstart.path(DENSE));
    DrawnModel.writeRecipesTo(
        request.out(),
        switch (request.controls()) {
          case NONE -> List.of(DrawnModel.STAGES, DrawnModel.DENSE);
          case ALL -> List.of(DrawnModel.STAGES, DrawnModel.DENSE, DrawnModel.SPARSE);
        });
    return quickstart.run(start);
  }

  private Result run(long start) throws InterruptedException {
    ResolvedRecipe recipe = recipe(DrawnModel.STAGES, request.size().settings());
    StageCurves curves = train(recipe, path(DENSE), RUN);
    List<Branch> cumo = new ArrayList<>();
    for (String stage : curves.stages()) {
      cumo.add(branch(stage, curves, RUN));
    }
    Branch before = cumo.get(cumo.size() - 2);
    Branch sparse = cumo.getLast();
    double cost = cost(sparse, before, tokensPerRow(recipe, curves));
    List<Branch> controls = new ArrayList<>();
    controls.add(control("dense-continued", DrawnModel.DENSE, before.model(), sparse.steps()));
    if (request.controls() == Controls.ALL) {
      int more = Math.toIntExact(Math.round(sparse.steps() * cost));
      controls.add(control("dense-same-cost", DrawnModel.DENSE, before.model(), more));
      Path upcycled = path(RUN).resolve(cumo.size() + "-" + sparse.name()).resolve("upcycled");
      DrawnModel.copyWithoutExperts(upcycled, path(SCRATCH));
      controls.add(
          control("experts-from-scratch", DrawnModel.SPARSE, path(SCRATCH), sparse.steps()));
    }
    return new Result(
        cumo,
        controls,
        cost,
        path(DrawnModel.STAGES),
        (System.nanoTime() - start) / NANOS_PER_MILLI);
  }

  private static double tokensPerRow(ResolvedRecipe recipe, StageCurves curves) {
    Stage last = recipe.recipe().training().orElseThrow().stages().getLast();
    return curves.tokens(last.name()) / ((double) curves.count(last.name()) * last.pace().batch());
  }

  private static double cost(Branch sparse, Branch dense, double tokens) {
    return new RowCost(Checkpoint.open(sparse.model()), tokens).multiplications()
        / new RowCost(Checkpoint.open(dense.model()), tokens).multiplications();
  }

  private Branch control(String name, String recipe, Path model, int steps)
      throws InterruptedException {
    Setting length = Setting.parse("train.stages.0.steps=" + steps);
    StageCurves curves = train(recipe(recipe, List.of(length)), model, name);
    Branch branch = branch(curves.stages().getLast(), curves, name);
    return branch.called(name);
  }

  private ResolvedRecipe recipe(String file, List<Setting> settings) {
    return Recipes.resolve(Recipes.text(file, request.out()), settings, Map.of());
  }

  private StageCurves train(ResolvedRecipe recipe, Path model, String run) {
    StageCurves curves = new StageCurves(listener);
    TrainRun.run(
        new TrainRun.Request(
            Checkpoint.open(model), recipe, request.options().device(), request.threads()),
        path(run),
        TrainRun.Mode.FRESH,
        curves);
    return curves;
  }

  private Branch branch(String stage, StageCurves curves, String run) throws InterruptedException {
    Path model =
        path(run).resolve("checkpoints").resolve("step-" + curves.end(stage)).resolve("model");
    return new Branch(
        stage,
        curves.count(stage),
        curves.first(stage),
        curves.last(stage),
        model,
        answers.of(model));
  }

  private Path path(String name) {
    return request.out().resolve(name);
  }
}
