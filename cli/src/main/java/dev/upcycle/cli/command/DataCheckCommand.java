package dev.upcycle.cli.command;

import dev.upcycle.cli.terminal.ProgressMeter;
import dev.upcycle.cli.terminal.Quantities;
import dev.upcycle.cli.terminal.Surroundings;
import dev.upcycle.cli.terminal.Terminal;
import dev.upcycle.data.DataCheck;
import dev.upcycle.data.DataReport;
import dev.upcycle.data.ModelInput;
import dev.upcycle.data.RowCheck;
import dev.upcycle.data.RowFile;
import dev.upcycle.data.StageData;
import dev.upcycle.recipe.DataSettings;
import dev.upcycle.recipe.RecipeText;
import dev.upcycle.recipe.Recipes;
import dev.upcycle.recipe.ResolvedRecipe;
import dev.upcycle.recipe.Setting;
import dev.upcycle.recipe.Stage;
import dev.upcycle.recipe.Training;
import dev.upcycle.sample.Directories;
import dev.upcycle.train.TrainRun;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongConsumer;
import picocli.CommandLine;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// Checks the data of a recipe's stages.
@CommandLine.Command(
    name = "check",
    header = "Read all data of a recipe's stages as training would, and say what is in it.",
    description = {
      "Rows, tokens, the share that is learned, lengths, images that do not open, and a sample of"
          + " each stage with its mask. Nothing is trained and no weights are opened. A bad row is"
          + " named with its reason; exit code 4 when there are more than --skip-bad.",
    },
    footer = {
      "upcycle data check ./tune.yaml --model ./try-it/dense",
      "upcycle data check ./tune.yaml --model ./try-it/dense \\",
      "  --data tune=./try-it/dense/README.md --skip-bad 3 --json",
      "upcycle data check ./tune.yaml   # rows and images only",
    })
final class DataCheckCommand extends Command {
  private static final long LONG_ROW_BYTES = 1_000_000;

  @Parameters(
      paramLabel = "RECIPE",
      description = "A shipped recipe's name or a file, with a section train.")
  private String recipe = "";

  @Option(
      names = {"-m", "--model"},
      paramLabel = "[PART=]DIR",
      description = {
        "Whose tokenizer, chat template and image preprocessing read the data; of a model in one"
            + " directory no weights are needed. Without it rows and images are checked, and no"
            + " tokens counted.",
        "A LLaVA may come in parts: language=DIR, vision=DIR, connector=FILE, one option each."
      })
  private List<String> models = new ArrayList<>();

  @Mixin private StageDataOption data = new StageDataOption();
  @Mixin private SettingsOption sets = new SettingsOption();

  @Option(
      names = "--skip-bad",
      paramLabel = "N",
      defaultValue = "0",
      description = "Bad rows of a stage to tolerate; default: ${DEFAULT-VALUE}.")
  private long skipBad;

  @Mixin private ThreadsOption threads = new ThreadsOption();
  @Mixin private JsonOption json = new JsonOption();

  DataCheckCommand(Surroundings surroundings) {
    super(surroundings);
  }

  @Override
  ExitCode run(Terminal terminal) throws InterruptedException {
    surroundings().signals().stopSoon();
    ResolvedRecipe resolved = resolved();
    Map<String, DataSettings> checked = settings(training(resolved));
    DataCheckReport report =
        new DataCheckReport(
            checked, stagesOf(training(resolved)), reports(checked, resolved, terminal));
    if (json.wanted()) {
      terminal.result(report.document(skipBad));
    } else {
      terminal.result(report.text());
    }
    return report.passed(skipBad) ? ExitCode.OK : ExitCode.INPUT;
  }

  private Map<String, DataReport> reports(
      Map<String, DataSettings> checked, ResolvedRecipe resolved, Terminal terminal)
      throws InterruptedException {
    Map<String, DataReport> reports = new LinkedHashMap<>();
    if (models.isEmpty()) {
      for (Map.Entry<String, DataSettings> entry : checked.entrySet()) {
        reports.put(
            entry.getKey(),
            report(entry, terminal, told -> RowCheck.run(entry.getValue(), threads.count(), told)));
      }
      return reports;
    }
    try (ModelInput input = input(resolved)) {
      Positions positions = new Positions(input.positions());
      checked.forEach((name, data) ->
          positions.warn("max_tokens of stage " + name, data.maxTokens(), terminal));
      for (Map.Entry<String, DataSettings> entry : checked.entrySet()) {
        StageData stage = new StageData(entry.getValue(), input);
        reports.put(
            entry.getKey(),
            report(entry, terminal, told -> DataCheck.run(stage, threads.count(), told)));
      }
    }
    return reports;
  }

  /// A check that tells how far it is.
  private interface Check {
    DataReport run(LongConsumer told) throws InterruptedException;
  }

  private ModelInput input(ResolvedRecipe resolved) {
    DenseModel given = DenseModel.of(models);
    Optional<Path> single = given.single(surroundings());
    if (single.isPresent()) {
      return ModelInput.open(single.get());
    }
    return given.lacksConnector(surroundings())
        ? besideFreshConnector(given, resolved)
        : ModelInput.of(given.open(surroundings()));
  }

  /// As training begins with it; the connector is gone when its model has been read.
  private ModelInput besideFreshConnector(DenseModel given, ResolvedRecipe resolved) {
    Path drawn = Directories.temporary("upcycle-data-check");
    try {
      return ModelInput.of(
          TrainRun.withFreshConnector(
              given.located(surroundings()), resolved, drawn, TrainRun.Mode.FRESH));
    } finally {
      Directories.delete(drawn);
    }
  }

  private ResolvedRecipe resolved() {
    Path here = surroundings().workingDirectory();
    RecipeText text = Recipes.text(recipe, here);
    List<Setting> settings = new ArrayList<>(sets.settings(here));
    ResolvedRecipe named = Recipes.resolve(text, settings, surroundings().environment());
    training(named);
    settings.addAll(data.settings(named, here));
    return Recipes.resolve(text, settings, surroundings().environment());
  }

  private Training training(ResolvedRecipe resolved) {
    return resolved
        .recipe()
        .training()
        .orElseThrow(() ->
            new UsageException(
                "%s has no section train, so there is no data to check".formatted(recipe)));
  }

  /// The stage that each name of data belongs to.
  private static Map<String, String> stagesOf(Training training) {
    Map<String, String> stages = new LinkedHashMap<>();
    for (Stage stage : training.stages()) {
      names(stage).keySet().forEach(name -> stages.put(name, stage.name()));
    }
    return stages;
  }

  /// The data of each stage and, under a name of its own, what the stage is measured on.
  private static Map<String, DataSettings> settings(Training training) {
    Map<String, DataSettings> settings = new LinkedHashMap<>();
    training.stages().forEach(stage -> settings.putAll(names(stage)));
    return settings;
  }

  private static Map<String, DataSettings> names(Stage stage) {
    Map<String, DataSettings> settings = new LinkedHashMap<>();
    settings.put(stage.name(), stage.data());
    List<DataSettings> sources =
        stage.validation().map(Stage.Validation::sources).orElse(List.of());
    for (DataSettings source : sources) {
      String own = sources.size() == 1 ? "" : "." + source.path().getFileName();
      settings.put(stage.name() + ".validate" + own, source);
    }
    return settings;
  }

  private static DataReport report(
      Map.Entry<String, DataSettings> stage, Terminal terminal, Check check)
      throws InterruptedException {
    long rows;
    try (RowFile file = RowFile.open(stage.getValue().path())) {
      rows = file.rows();
      long bytes = file.bytes() / rows;
      if (bytes > LONG_ROW_BYTES) {
        terminal.note(
            "checking %s: rows of about %s, each tokenised in one piece; nothing is told meanwhile"
                .formatted(stage.getKey(), Quantities.bytes(bytes)));
      }
    }
    try (ProgressMeter meter = terminal.meter("checking " + stage.getKey())) {
      return check.run(done -> meter.counted(done, Math.max(rows, done), "samples"));
    }
  }
}
