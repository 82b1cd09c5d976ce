package dev.upcycle.cli.command;

import dev.upcycle.cli.terminal.Documents;
import dev.upcycle.cli.terminal.ProgressMeter;
import dev.upcycle.cli.terminal.Quantities;
import dev.upcycle.cli.terminal.Surroundings;
import dev.upcycle.cli.terminal.Table;
import dev.upcycle.cli.terminal.Terminal;
import dev.upcycle.quickstart.TrainedQuickstart;
import dev.upcycle.sample.Quickstart;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Walks through everything on the embedded sample.
@CommandLine.Command(
    name = "quickstart",
    header = "Convert and verify the embedded sample model, to see how it goes.",
    description =
        "With --train it becomes four experts, two per token, and is trained on some pages more of"
            + " its book; other pages measure it before and after.",
    footer = {
      "upcycle quickstart",
      "upcycle quickstart --out ./try-upcycle",
      "upcycle quickstart --train --steps 4 --out ./try-train",
    })
final class QuickstartCommand extends Command {
  @Option(
      names = "--out",
      paramLabel = "DIR",
      defaultValue = "./upcycle-quickstart",
      description = "An empty or new directory (default: ${DEFAULT-VALUE}).")
  private Path out = Path.of("upcycle-quickstart");

  @Option(names = "--train", description = "Upcycle the sample and train it.")
  private boolean train;

  @Option(names = "--steps", paramLabel = "N", description = "Steps of --train; default: 20.")
  private @Nullable Integer steps;

  @Mixin private ComputeThreadsOption threads = new ComputeThreadsOption();
  @Mixin private JsonOption json = new JsonOption();

  QuickstartCommand(Surroundings surroundings) {
    super(surroundings);
  }

  @Override
  ExitCode run(Terminal terminal) throws InterruptedException {
    if (steps != null && !train) {
      throw new UsageException("--steps needs --train");
    }
    if (steps != null && steps < 1) {
      throw new UsageException("--steps " + steps + ": expected at least 1");
    }
    return train ? train(terminal) : convert(terminal);
  }

  private ExitCode train(Terminal terminal) throws InterruptedException {
    TrainedQuickstart.Settings settings =
        new TrainedQuickstart.Settings(Optional.ofNullable(steps), threads.count());
    TrainedQuickstart.Result result;
    try (TrainConsole console = new TrainConsole(terminal)) {
      result = TrainedQuickstart.run(resolve(out), settings, console);
    }
    TrainedQuickstartReport report = new TrainedQuickstartReport(result);
    if (json.wanted()) {
      terminal.result(report.document());
    } else {
      report.print(terminal);
    }
    return ExitCode.OK;
  }

  private ExitCode convert(Terminal terminal) {
    Quickstart.Result result;
    try (ProgressMeter meter = terminal.meter("converting")) {
      result = Quickstart.run(resolve(out), meter);
    }
    if (json.wanted()) {
      terminal.result(document(result));
    } else {
      print(result, terminal);
    }
    return result.report().passed() ? ExitCode.OK : ExitCode.CHECK;
  }

  private static ObjectNode document(Quickstart.Result result) {
    ObjectNode document =
        Documents.of("quickstart")
            .put("recipe", result.recipe())
            .put("dense", result.dense().toString())
            .put("target", result.target().toString())
            .put("dense_parameters", result.denseParameters())
            .put("target_parameters", result.targetParameters())
            .put("verified", result.report().passed())
            .put("millis", result.millis());
    ArrayNode next = document.putArray("next");
    result.nextCommands().forEach(command -> next.add(ShellWords.join(command)));
    return document;
  }

  private static void print(Quickstart.Result result, Terminal terminal) {
    VerifyCommand.print(result.report(), new FunctionCheck.Result.Unasked(), terminal);
    terminal.result("");
    terminal.result(
        Table.pairs()
            .row(
                "dense",
                result.dense()
                    + "  "
                    + Quantities.parameters(result.denseParameters())
                    + " parameters")
            .row(
                "target",
                result.target()
                    + "  "
                    + Quantities.parameters(result.targetParameters())
                    + " parameters, by recipe "
                    + result.recipe())
            .row("time", String.format(Locale.ROOT, "%.1f s", result.millis() / 1000.0))
            .toString());
    terminal.note("\nnext:");
    result
        .nextCommands()
        .forEach(command -> terminal.note("  " + Build.command() + " " + ShellWords.join(command)));
  }
}
