package dev.upcycle.cli.command;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.cli.command.FunctionCheck.Result;
import dev.upcycle.cli.terminal.ProgressMeter;
import dev.upcycle.cli.terminal.Quantities;
import dev.upcycle.cli.terminal.Surroundings;
import dev.upcycle.cli.terminal.Table;
import dev.upcycle.cli.terminal.Terminal;
import dev.upcycle.dialect.Sources;
import dev.upcycle.function.FunctionVerifier;
import dev.upcycle.verify.Verifier;
import dev.upcycle.verify.Verifier.Expectation;
import dev.upcycle.verify.VerifyReport;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.node.ObjectNode;

/// Verifies a converted model.
@CommandLine.Command(
    name = "verify",
    header =
        "Check a converted model against its source, byte for byte; exit code 5 when it fails.",
    description = {
      "The expectation comes from the target's own config, the family's tensor names and the"
          + " manifest upcycle.json, not from the planner. With one directory only its structure"
          + " and manifest are checked.",
      "Where LibTorch is available both models then read the same tokens, or look at the same"
          + " images, a layer of each at a time in float32, and must compute the same wherever the"
          + " conversion should keep the function.",
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
      names = {"-m", "--model"},
      paramLabel = "PART=PATH",
      description =
          "The source in parts, as convert took it, in place of SOURCE: language=DIR, vision=DIR,"
              + " connector=FILE.")
  private List<String> parts = new ArrayList<>();

  @Option(
      names = "--trained",
      description = "The target was trained since: only tensors kept frozen must equal the source.")
  private boolean trained;

  @Option(
      names = "--function",
      negatable = true,
      description =
          "Whether to run both models and compare what they compute; default: where LibTorch is"
              + " available.")
  private @Nullable Boolean function;

  @Option(
      names = "--image",
      paramLabel = "FILE",
      arity = "1..*",
      description =
          "Images that both models look at, prepared as the source's preprocessor_config.json"
              + " says; default: noise.")
  private List<Path> images = List.of();

  @Mixin private ComputeThreadsOption threads = new ComputeThreadsOption();
  @Mixin private JsonOption json = new JsonOption();

  VerifyCommand(Surroundings surroundings) {
    super(surroundings);
  }

  @Override
  ExitCode run(Terminal terminal) throws InterruptedException {
    if (models.size() > 2) {
      throw new UsageException(
          "verify takes a source and one target, found " + models.size() + " directories");
    }
    if (!parts.isEmpty()) {
      return inParts(terminal);
    }
    List<Path> paths = models.stream().map(model -> Models.locate(model, surroundings())).toList();
    Optional<Path> source = paths.size() == 2 ? Optional.of(paths.getFirst()) : Optional.empty();
    Optional<FunctionCheck> check = functionCheck(source.map(Sources::open), paths.getLast());
    check.ifPresent(FunctionCheck::requireUse);
    VerifyReport report = verify(source, paths.getLast(), terminal);
    return conclude(report, check, terminal);
  }

  /// Against a source in parts.
  private ExitCode inParts(Terminal terminal) throws InterruptedException {
    if (models.size() != 1) {
      throw new UsageException("with --model PART=PATH verify takes the target alone");
    }
    Path target = Models.locate(models.getFirst(), surroundings());
    Optional<Checkpoint> source = Optional.of(DenseModel.of(parts).open(surroundings()));
    Optional<FunctionCheck> check = functionCheck(source, target);
    check.ifPresent(FunctionCheck::requireUse);
    return conclude(verifyOpened(source, target, terminal), check, terminal);
  }

  private ExitCode conclude(VerifyReport report, Optional<FunctionCheck> check, Terminal terminal)
      throws InterruptedException {
    if (check.isEmpty()) {
      return told(report, new Result.Unasked(), terminal);
    }
    Result result;
    try {
      result = check.get().result(report, threads.count(), terminal);
    } catch (RuntimeException | OutOfMemoryError e) {
      tell(report, new Result.Missed(String.valueOf(e.getMessage()), ExitCode.of(e)), terminal);
      throw e;
    }
    return told(FunctionCheck.with(report, result), result, terminal);
  }

  private void tell(VerifyReport report, Result result, Terminal terminal) {
    if (json.wanted()) {
      ObjectNode document = report.toJson();
      FunctionCheck.put(result, document);
      terminal.result(document);
    } else {
      print(report, result, terminal);
    }
  }

  /// Tells everything that was found, and what the process exits with.
  private ExitCode told(VerifyReport report, Result result, Terminal terminal) {
    tell(report, result, terminal);
    if (!report.passed()) {
      return ExitCode.CHECK;
    }
    if (result instanceof Result.Missed(String because, ExitCode code)) {
      String message = "the functions were not compared: " + because;
      if (Boolean.TRUE.equals(function)) {
        terminal.error(message);
        return code;
      }
      terminal.warning(message);
    }
    return ExitCode.OK;
  }

  private VerifyReport verify(Optional<Path> source, Path target, Terminal terminal) {
    try (ProgressMeter meter = terminal.meter("verifying")) {
      return Verifier.verify(source, target, expectation(), meter);
    }
  }

  private VerifyReport verifyOpened(Optional<Checkpoint> source, Path target, Terminal terminal) {
    try (ProgressMeter meter = terminal.meter("verifying")) {
      return Verifier.verifyOpened(source, target, expectation(), meter);
    }
  }

  private Expectation expectation() {
    return trained ? Expectation.TRAINED : Expectation.CONVERTED;
  }

  private Optional<FunctionCheck> functionCheck(Optional<Checkpoint> source, Path target) {
    boolean asked = Boolean.TRUE.equals(function);
    if (source.isEmpty() && (asked || !images.isEmpty())) {
      throw new UsageException(
          (asked ? "--function" : "--image") + " needs the SOURCE before the TARGET");
    }
    if (source.isEmpty() || Boolean.FALSE.equals(function)) {
      return Optional.empty();
    }
    return Optional.of(
        new FunctionCheck(
            source.get(),
            target,
            new FunctionVerifier.Question(
                trained
                    ? FunctionVerifier.Expectation.TRAINED
                    : FunctionVerifier.Expectation.CONVERTED,
                images.stream().map(this::resolve).toList())));
  }

  static void print(VerifyReport report, Result result, Terminal terminal) {
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
    FunctionCheck.print(result, terminal);
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
