package dev.upcycle.cli.command;

import dev.upcycle.bench.DataBench;
import dev.upcycle.bench.Machine;
import dev.upcycle.cli.terminal.Documents;
import dev.upcycle.cli.terminal.Surroundings;
import dev.upcycle.cli.terminal.Table;
import dev.upcycle.cli.terminal.Terminal;
import java.lang.management.ManagementFactory;
import java.util.Locale;
import picocli.CommandLine;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.node.ObjectNode;

/// Measures how fast data is prepared.
@CommandLine.Command(
    name = "data",
    header = "Time tokenising against the tokenizer library alone, and making batches of images.",
    description =
        "On the drawn data set: documents of 2,000 characters in one thread, and pictures of 28 x"
            + " 28 with their texts as batches. A ratio of 0.9 means nine tenths of the library's"
            + " speed.",
    footer = {
      "upcycle bench data --turns 1   # a try",
      "upcycle bench data --turns 3 -j 2 --json",
    })
final class BenchDataCommand extends Command {
  @Option(
      names = "--turns",
      paramLabel = "N",
      defaultValue = "5",
      description =
          "Turns that the medians are of, one more to warm up; default: ${DEFAULT-VALUE}.")
  private int turns = 5;

  @Mixin private ThreadsOption threads = new ThreadsOption();
  @Mixin private JsonOption json = new JsonOption();

  BenchDataCommand(Surroundings surroundings) {
    super(surroundings);
  }

  @Override
  ExitCode run(Terminal terminal) throws InterruptedException {
    double load = ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage();
    DataBench.Setting setting =
        BenchReport.checked(() -> new DataBench.Setting(threads.count(), turns));
    DataBench.Result result = DataBench.run(setting);
    if (json.wanted()) {
      terminal.result(document(setting, result, load));
    } else {
      terminal.result(text(setting, result, load));
    }
    return ExitCode.OK;
  }

  private static String text(DataBench.Setting setting, DataBench.Result result, double load) {
    Machine machine = Machine.here();
    return Table.pairs()
        .row("tokenising", BenchReport.rate(result.tokensPerSecond()))
        .row("library alone", BenchReport.rate(result.libraryTokensPerSecond()))
        .row("ratio", BenchReport.decimal(result.ratio()))
        .row("images", String.format(Locale.ROOT, "%.0f images/s", result.imagesPerSecond()))
        .row(
            "configuration",
            "threads %d, medians of %d turns".formatted(setting.threads(), setting.turns()))
        .row(
            "machine",
            "%s, %d processors, load %s"
                .formatted(machine.processor(), machine.processors(), BenchReport.decimal(load)))
        .toString();
  }

  private static ObjectNode document(
      DataBench.Setting setting, DataBench.Result result, double load) {
    Machine machine = Machine.here();
    ObjectNode document =
        Documents.of("bench")
            .put("bench", "data")
            .put("version", Build.current().version())
            .put("commit", Build.current().commit())
            .put("tokens_per_second", result.tokensPerSecond())
            .put("library_tokens_per_second", result.libraryTokensPerSecond())
            .put("ratio", result.ratio())
            .put("images_per_second", result.imagesPerSecond());
    document
        .putObject("configuration")
        .put("threads", setting.threads())
        .put("turns", setting.turns());
    document
        .putObject("machine")
        .put("processor", machine.processor())
        .put("processors", machine.processors())
        .put("load_before", load);
    return document;
  }
}
