package dev.upcycle.cli.command;

import dev.upcycle.cli.terminal.Documents;
import dev.upcycle.cli.terminal.ProgressMeter;
import dev.upcycle.cli.terminal.Quantities;
import dev.upcycle.cli.terminal.Surroundings;
import dev.upcycle.cli.terminal.Table;
import dev.upcycle.cli.terminal.Terminal;
import dev.upcycle.sample.Quickstart;
import java.nio.file.Path;
import java.util.Locale;
import picocli.CommandLine;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Walks through everything on the embedded sample.
@CommandLine.Command(
    name = "quickstart",
    header = "Convert and verify the embedded sample model, to see how it goes.",
    footer = {
      "upcycle quickstart",
      "upcycle quickstart --out ./try-upcycle",
    })
final class QuickstartCommand extends Command {
  @Option(
      names = "--out",
      paramLabel = "DIR",
      defaultValue = "./upcycle-quickstart",
      description = "An empty or new directory (default: ${DEFAULT-VALUE}).")
  private Path out = Path.of("upcycle-quickstart");

  @Mixin private JsonOption json = new JsonOption();

  QuickstartCommand(Surroundings surroundings) {
    super(surroundings);
  }

  @Override
  ExitCode run(Terminal terminal) {
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
