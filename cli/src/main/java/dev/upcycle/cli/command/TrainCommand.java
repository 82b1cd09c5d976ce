package dev.upcycle.cli.command;

import dev.upcycle.bench.ResidentMemory;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.cli.terminal.Documents;
import dev.upcycle.cli.terminal.Quantities;
import dev.upcycle.cli.terminal.Surroundings;
import dev.upcycle.cli.terminal.Terminal;
import dev.upcycle.data.ModelInput;
import dev.upcycle.data.SkipLimit;
import dev.upcycle.recipe.RecipeText;
import dev.upcycle.recipe.Recipes;
import dev.upcycle.recipe.ResolvedRecipe;
import dev.upcycle.recipe.Setting;
import dev.upcycle.recipe.Stage;
import dev.upcycle.recipe.Training;
import dev.upcycle.text.TextModel;
import dev.upcycle.train.RunChange;
import dev.upcycle.train.TrainRun;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.node.ObjectNode;

/// Trains a model by the stages of a recipe.
@CommandLine.Command(
    name = "train",
    header = "Train a decoder or a LLaVA by the stages of a recipe; a stage may upcycle it first.",
    description =
        "Fills the folder RUN with the resolved recipe, metrics, checkpoints and, at the end, the"
            + " model in RUN/final. An interrupted run lets its step end and saves, a second"
            + " signal stops it at once; --resume goes on from the newest checkpoint to the same"
            + " bytes.",
    footer = {
      "upcycle train ./tune.yaml --model ./try-it/dense --out ./run --dry-run",
      "upcycle train ./tune.yaml --model ./try-it/dense --out ./run \\",
      "  --set train.stages.0.steps=2 --data tune=./try-it/dense/README.md",
    })
final class TrainCommand extends Command {
  @Parameters(
      paramLabel = "RECIPE",
      description = "A shipped recipe's name or a file, with a section train.")
  private String recipe = "";

  @Mixin private ModelOption model = new ModelOption();

  @Option(
      names = {"-o", "--out"},
      required = true,
      paramLabel = "RUN",
      description = "The folder of the run; refused when something lies in it.")
  private Path out = Path.of("");

  @Option(
      names = {"-n", "--dry-run"},
      description =
          "Say what the run would do, need and take, by a few trial steps; train nothing.")
  private boolean dryRun;

  @Option(
      names = "--resume",
      description = "Go on with the run in RUN, with the same recipe, model and data.")
  private boolean resume;

  @Option(
      names = "--allow-changed",
      paramLabel = "WHAT",
      description =
          "With --resume: go on though the recipe, model or data is not what the run began with;"
              + " run.json keeps what differed. Repeatable.")
  private List<String> allowChanged = List.of();

  @Mixin private SettingsOption sets = new SettingsOption();
  @Mixin private StageDataOption data = new StageDataOption();

  @Option(
      names = "--skip-bad",
      paramLabel = "N",
      defaultValue = "0",
      description = "Bad rows of a stage to pass over; default: ${DEFAULT-VALUE}.")
  private long skipBad;

  @Option(
      names = "--device",
      paramLabel = "DEVICE",
      defaultValue = "auto",
      description = "auto, cpu or cuda[:INDEX]; default: ${DEFAULT-VALUE}.")
  private String device = "auto";

  @Option(
      names = "--dtype",
      paramLabel = "TYPE",
      description =
          "Precision of every stage: ${COMPLETION-CANDIDATES}; default: what the recipe says of"
              + " each.")
  private ComputeOptions.@Nullable Compute dtype;

  @Mixin private ComputeThreadsOption threads = new ComputeThreadsOption();
  @Mixin private JsonOption json = new JsonOption();

  TrainCommand(Surroundings surroundings) {
    super(surroundings);
  }

  @Override
  ExitCode run(Terminal terminal) {
    int count = threads.count();
    ResolvedRecipe resolved = resolved();
    if (skipBad < 0) {
      throw new UsageException("--skip-bad " + skipBad + ": expected 0 or more");
    }
    Set<RunChange> allowed = allowed();
    TrainRun.Mode mode = resume ? TrainRun.Mode.RESUME : TrainRun.Mode.FRESH;
    TrainRun.Request request =
        new TrainRun.Request(
            source(resolved, mode),
            resolved,
            TextModel.options(ComputeOptions.checked(device), "f32").device(),
            count,
            new SkipLimit(skipBad));
    Positions positions = new Positions(ModelInput.positions(request.source().config()));
    stages(resolved)
        .forEach(stage ->
            positions.warn(
                "max_tokens of stage " + stage.name(), stage.data().maxTokens(), terminal));
    if (dryRun) {
      TrainPreviewReport report = new TrainPreviewReport(TrainRun.preview(request, resolve(out)));
      if (json.wanted()) {
        terminal.result(report.document());
      } else {
        terminal.result(report.text());
      }
      return ExitCode.OK;
    }
    surroundings().signals().finishFirst(notice());
    TrainConsole console = new TrainConsole(terminal);
    TrainRun.Result result;
    try (console) {
      result = TrainRun.run(request, new TrainRun.Place(resolve(out), mode, allowed), console);
    }
    print(result, console, terminal);
    return ExitCode.OK;
  }

  /// What a first signal says; below a line that is being redrawn.
  private String notice() {
    boolean redraws = surroundings().redraws(Surroundings.Stream.ERR);
    return (redraws ? "\n" : "")
        + "upcycle: interrupted; the step in work is finished and saved first, a second signal"
        + " stops at once without saving";
  }

  private Set<RunChange> allowed() {
    if (!allowChanged.isEmpty() && !resume) {
      throw new UsageException("--allow-changed goes with --resume");
    }
    return allowChanged.stream()
        .map(word ->
            Arrays.stream(RunChange.values())
                .filter(change -> change.word().equals(word))
                .findFirst()
                .orElseThrow(() ->
                    new UsageException(
                        "--allow-changed " + word + ": expected recipe, model or data")))
        .collect(Collectors.toSet());
  }

  /// What the first stage begins with; a connector that is not given is drawn into the run's
  /// folder, which a dry run makes for that alone.
  private Checkpoint source(ResolvedRecipe resolved, TrainRun.Mode mode) {
    DenseModel given = model.given();
    return given.lacksConnector(surroundings())
        ? TrainRun.withFreshConnector(given.located(surroundings()), resolved, resolve(out), mode)
        : given.open(surroundings());
  }

  private static List<Stage> stages(ResolvedRecipe resolved) {
    return resolved.recipe().training().map(Training::stages).orElse(List.of());
  }

  private ResolvedRecipe resolved() {
    Path here = surroundings().workingDirectory();
    RecipeText text = Recipes.text(recipe, here);
    List<Setting> settings = new ArrayList<>(sets.settings(here));
    ResolvedRecipe resolved = Recipes.resolve(text, settings, surroundings().environment());
    settings.addAll(data.settings(resolved, here));
    settings.addAll(precisions(resolved));
    return Recipes.resolve(text, settings, surroundings().environment());
  }

  private List<Setting> precisions(ResolvedRecipe resolved) {
    if (dtype == null) {
      return List.of();
    }
    String flag = "--dtype " + dtype;
    String precision = dtype.toString();
    return IntStream.range(0, stages(resolved).size())
        .mapToObj(
            index -> Setting.flag(flag, "train.stages.%d.precision".formatted(index), precision))
        .toList();
  }

  private void print(TrainRun.Result result, TrainConsole console, Terminal terminal) {
    if (json.wanted()) {
      ObjectNode document =
          Documents.of("train")
              .put("model", plain(result.model()).toString())
              .put("steps", result.steps());
      ResidentMemory.peakBytes().ifPresent(peak -> document.put("peak_resident_bytes", peak));
      console.putLosses(document);
      terminal.result(document);
      return;
    }
    ResidentMemory.peakBytes()
        .ifPresent(peak -> terminal.detail("peak resident memory " + Quantities.bytes(peak)));
    terminal.result(
        "%s: after %s step%s%s"
            .formatted(
                plain(result.model()),
                Quantities.count(result.steps()),
                result.steps() == 1 ? "" : "s",
                console.losses()));
  }

  /// Without `.` in it; what lies behind `..` depends on links.
  private static Path plain(Path path) {
    return path.toString().contains("..") ? path : path.normalize();
  }

  @Override
  String afterInterruption() {
    return "go on where it stopped: the same command with --resume";
  }
}
