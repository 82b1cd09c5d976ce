package dev.upcycle.cli.command;

import dev.upcycle.cli.terminal.ProgressMeter;
import dev.upcycle.cli.terminal.Surroundings;
import dev.upcycle.cli.terminal.Terminal;
import dev.upcycle.data.DataCheck;
import dev.upcycle.data.DataReport;
import dev.upcycle.data.ModelInput;
import dev.upcycle.data.RowCheck;
import dev.upcycle.data.RowFile;
import dev.upcycle.data.StageData;
import dev.upcycle.recipe.DataSettings;
import dev.upcycle.recipe.Recipes;
import dev.upcycle.recipe.ResolvedRecipe;
import dev.upcycle.recipe.Stage;
import dev.upcycle.recipe.Training;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;
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
  @Parameters(
      paramLabel = "RECIPE",
      description = "A shipped recipe's name or a file, with a section train.")
  private String recipe = "";

  @Option(
      names = {"-m", "--model"},
      paramLabel = "DIR",
      description =
          "Whose tokenizer, chat template and image preprocessing read the data; weights are not"
              + " needed. Without it rows and images are checked, and no tokens counted.")
  private @Nullable String model;

  @Option(
      names = "--data",
      paramLabel = "STAGE=PATH",
      description = "Other rows for a stage. Repeatable.")
  private List<String> data = new ArrayList<>();

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
    Map<String, DataSettings> checked = replaced(settings(training()));
    Map<String, DataReport> reports = reports(checked, terminal);
    DataCheckReport report = new DataCheckReport(checked, reports);
    if (json.wanted()) {
      terminal.result(report.document(skipBad));
    } else {
      terminal.result(report.text());
    }
    return report.most() > skipBad ? ExitCode.INPUT : ExitCode.OK;
  }

  private Map<String, DataReport> reports(Map<String, DataSettings> checked, Terminal terminal)
      throws InterruptedException {
    Map<String, DataReport> reports = new LinkedHashMap<>();
    if (model == null) {
      for (Map.Entry<String, DataSettings> entry : checked.entrySet()) {
        reports.put(
            entry.getKey(),
            report(entry, terminal, told -> RowCheck.run(entry.getValue(), threads.count(), told)));
      }
      return reports;
    }
    try (ModelInput input = ModelInput.open(Models.locate(model, surroundings()))) {
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

  private Training training() {
    Path here = surroundings().workingDirectory();
    ResolvedRecipe resolved =
        Recipes.resolve(
            Recipes.text(recipe, here), sets.settings(here), surroundings().environment());
    return resolved
        .recipe()
        .training()
        .orElseThrow(() ->
            new UsageException(
                "%s has no section train, so there is no data to check".formatted(recipe)));
  }

  /// The data of each stage and, under a name of its own, what the stage is measured on.
  private static Map<String, DataSettings> settings(Training training) {
    Map<String, DataSettings> settings = new LinkedHashMap<>();
    for (Stage stage : training.stages()) {
      settings.put(stage.name(), stage.data());
      List<DataSettings> sources =
          stage.validation().map(Stage.Validation::sources).orElse(List.of());
      for (DataSettings source : sources) {
        String own = sources.size() == 1 ? "" : "." + source.path().getFileName();
        settings.put(stage.name() + ".validate" + own, source);
      }
    }
    return settings;
  }

  private Map<String, DataSettings> replaced(Map<String, DataSettings> settings) {
    for (String argument : data) {
      int equals = argument.indexOf('=');
      String name = equals < 0 ? argument : argument.substring(0, equals);
      DataSettings old = settings.get(name);
      if (equals < 1 || old == null) {
        Set<String> names = new TreeSet<>(settings.keySet());
        throw new UsageException(
            "--data %s: expected STAGE=PATH, with one of the stages %s"
                .formatted(argument, String.join(", ", names)));
      }
      settings.put(name, old.at(resolve(Path.of(argument.substring(equals + 1)))));
    }
    return settings;
  }

  private static DataReport report(
      Map.Entry<String, DataSettings> stage, Terminal terminal, Check check)
      throws InterruptedException {
    long rows;
    try (RowFile file = RowFile.open(stage.getValue().path())) {
      rows = file.rows();
    }
    try (ProgressMeter meter = terminal.meter("checking " + stage.getKey())) {
      return check.run(done -> meter.counted(done, Math.max(rows, done), "samples"));
    }
  }
}
