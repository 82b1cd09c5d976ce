package dev.upcycle.cli.command;

import dev.upcycle.bench.ComputeSettings;
import dev.upcycle.bench.LayerBench;
import dev.upcycle.bench.LayerBench.Result;
import dev.upcycle.cli.terminal.ProgressMeter;
import dev.upcycle.cli.terminal.Surroundings;
import dev.upcycle.cli.terminal.Table;
import dev.upcycle.cli.terminal.Terminal;
import dev.upcycle.kernels.bench.MoeLayerBench.Form;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Measures one layer of experts.
@CommandLine.Command(
    name = "layer",
    header = "Time a layer of experts against a dense network of equal work, in turns.",
    description = {
      "Forward and backward under even and under skewed routing. The dense network is as wide as"
          + " the experts that a token uses together, so both multiply as much. A ratio of 1.1 means"
          + " that the layer of experts takes a tenth longer.",
    },
    footer = {
      "upcycle bench layer --hidden 64 --intermediate 96 --tokens 256 --turns 1",
      "upcycle bench layer --hidden 64 --tokens 256 --turns 3 --dtype bf16 -j 1",
    })
final class BenchLayerCommand extends Command {
  @Option(
      names = "--tokens",
      paramLabel = "N",
      description = "Tokens of the batch; default: ${DEFAULT-VALUE}.",
      defaultValue = "4096")
  private long tokens = 4096;

  @Option(
      names = "--stacked",
      description =
          "Measure experts that share a tensor per projection, the gate above the rest; default: a"
              + " tensor per projection of each expert, as models bind them.")
  private boolean stacked;

  @Mixin private ExpertShapeOptions shape = new ExpertShapeOptions();
  @Mixin private TurnOptions turns = new TurnOptions();
  @Mixin private JsonOption json = new JsonOption();

  BenchLayerCommand(Surroundings surroundings) {
    super(surroundings);
  }

  @Override
  ExitCode run(Terminal terminal) {
    LayerBench.Setting setting =
        BenchReport.checked(() -> new LayerBench.Setting(shape.shape(), tokens, form()));
    ComputeSettings settings = turns.settings(terminal);
    BenchReport report = BenchReport.begin("layer", settings, turns.dtype());
    List<Result> results = measured(setting, settings, terminal);
    if (json.wanted()) {
      terminal.result(document(report, setting, results));
    } else {
      terminal.result(text(report, setting, results));
    }
    return ExitCode.OK;
  }

  private Form form() {
    return stacked ? Form.STACKED : Form.SEPARATE;
  }

  private static List<Result> measured(
      LayerBench.Setting setting, ComputeSettings settings, Terminal terminal) {
    int turns = LayerBench.count(settings);
    try (ProgressMeter meter = terminal.meter("measuring")) {
      return LayerBench.run(setting, settings, done -> meter.counted(done, turns, "turns"));
    }
  }

  private static String text(BenchReport report, LayerBench.Setting setting, List<Result> results) {
    Table table = BenchReport.turns();
    Table summary = Table.pairs();
    for (Result result : results) {
      BenchReport.rows(table, result.load(), result.turns());
      summary.row("routing", result.load() + ", tokens of each expert " + result.assignments());
      BenchReport.summary(summary, result.turns());
    }
    String configuration =
        "%d tokens, %s, weights %s"
            .formatted(setting.tokens(), TurnsReport.words(setting.shape()), weights(setting));
    return table + "\n\n" + report.ending(summary, configuration);
  }

  /// The figures of even routing, and those of both loads.
  private static ObjectNode document(
      BenchReport report, LayerBench.Setting setting, List<Result> results) {
    ObjectNode document = report.document();
    BenchReport.put(document, results.getFirst().turns());
    ArrayNode loads = document.putArray("loads");
    for (Result result : results) {
      ObjectNode load = loads.addObject().put("load", result.load());
      BenchReport.put(load, result.turns());
      ArrayNode assignments = load.putArray("assignments");
      result.assignments().forEach(assignments::add);
    }
    report
        .ending(document, setting.shape())
        .put("tokens", setting.tokens())
        .put("weights", weights(setting));
    return document;
  }

  private static String weights(LayerBench.Setting setting) {
    return setting.form().name().toLowerCase(Locale.ROOT);
  }
}
