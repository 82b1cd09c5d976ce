package dev.upcycle.cli.command;

import dev.upcycle.cli.terminal.ProgressMeter;
import dev.upcycle.cli.terminal.Quantities;
import dev.upcycle.cli.terminal.Surroundings;
import dev.upcycle.cli.terminal.Table;
import dev.upcycle.cli.terminal.Terminal;
import dev.upcycle.verify.Verifier;
import dev.upcycle.verify.Verifier.Expectation;
import dev.upcycle.verify.VerifyReport;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// Verifies a converted model.
@CommandLine.Command(
    name = "verify",
    header =
        "Check a converted model against its source, byte for byte; exit code 5 when it fails.",
    description = {
      "The expectation comes from the target's own config, the family's tensor names and the"
          + " manifest upcycle.json, not from the planner. With one directory only its structure"
          + " and manifest are checked.",
    },
    footer = {
      "upcycle verify ./Mistral-7B-v0.1 ./Mistral-8x7B",
      "upcycle verify ./Mistral-8x7B",
      "upcycle verify ./Mistral-7B-v0.1 ./Mistral-8x7B --json",
    })
final class VerifyCommand extends Command {
  private static final int SHOWN_FAILURES = 20;

  @Parameters(
      arity = "1..2",
      paramLabel = "[SOURCE] TARGET",
      hideParamSyntax = true,
      description = "The dense model, and the model made from it.")
  private List<String> models = List.of();

  @Option(
      names = "--trained",
      description = "The target was trained since: only tensors kept frozen must equal the source.")
  private boolean trained;

  @Mixin private JsonOption json = new JsonOption();

  VerifyCommand(Surroundings surroundings) {
    super(surroundings);
  }

  @Override
  ExitCode run(Terminal terminal) {
    List<Path> paths = models.stream().map(model -> Models.locate(model, surroundings())).toList();
    Optional<Path> source = paths.size() == 2 ? Optional.of(paths.getFirst()) : Optional.empty();
    VerifyReport report;
    try (ProgressMeter meter = terminal.meter("verifying")) {
      report =
          Verifier.verify(
              source,
              paths.getLast(),
              trained ? Expectation.TRAINED : Expectation.CONVERTED,
              meter);
    }
    if (json.wanted()) {
      terminal.result(report.toJson());
    } else {
      print(report, terminal);
    }
    return report.passed() ? ExitCode.OK : ExitCode.CHECK;
  }

  static void print(VerifyReport report, Terminal terminal) {
    Table table = Table.of("check", "covered", "compared", "failed", "");
    for (VerifyReport.Check check : report.checks()) {
      table.row(
          check.name(),
          Quantities.count(check.covered()),
          check.bytes() == 0 ? "-" : Quantities.bytes(check.bytes()),
          Quantities.count(check.failed()),
          check.failed() == 0 ? "ok" : "FAILED");
    }
    terminal.result(table.toString());
    report.remarks().forEach(terminal::note);
    report.failures().stream()
        .limit(SHOWN_FAILURES)
        .forEach(failure ->
            terminal.error(failure.check() + ": " + failure.tensor() + ": " + failure.message()));
    if (report.failures().size() > SHOWN_FAILURES) {
      terminal.error(
          (report.failures().size() - SHOWN_FAILURES) + " more failures; --json lists them all");
    }
    terminal.result(report.passed() ? "verified" : "NOT verified");
  }
}
