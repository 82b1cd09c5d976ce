package dev.upcycle.cli.command;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.cli.terminal.ProgressMeter;
import dev.upcycle.cli.terminal.Quantities;
import dev.upcycle.cli.terminal.Surroundings;
import dev.upcycle.cli.terminal.Table;
import dev.upcycle.cli.terminal.Terminal;
import dev.upcycle.dialect.Sources;
import dev.upcycle.function.FunctionReport;
import dev.upcycle.function.FunctionVerifier;
import dev.upcycle.text.ResourceShortage;
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
    VerifyReport report = verify(source, paths.getLast(), terminal);
    return conclude(report, source.map(Sources::open), paths.getLast(), terminal);
  }

  /// Against a source in parts.
  private ExitCode inParts(Terminal terminal) throws InterruptedException {
    if (models.size() != 1) {
      throw new UsageException("with --model PART=PATH verify takes the target alone");
    }
    Path target = Models.locate(models.getFirst(), surroundings());
    Optional<Checkpoint> source = Optional.of(DenseModel.of(parts).open(surroundings()));
    VerifyReport report = verifyOpened(source, target, terminal);
    return conclude(report, source, target, terminal);
  }

  private ExitCode conclude(
      VerifyReport report, Optional<Checkpoint> source, Path target, Terminal terminal)
      throws InterruptedException {
    Optional<FunctionReport> compared = compare(source, target, report, terminal);
    VerifyReport whole = compared.map(found -> FunctionCheck.with(report, found)).orElse(report);
    if (json.wanted()) {
      ObjectNode document = whole.toJson();
      compared.ifPresent(found -> FunctionCheck.put(found, document));
      terminal.result(document);
    } else {
      print(whole, compared, terminal);
    }
    return whole.passed() ? ExitCode.OK : ExitCode.CHECK;
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

  private Optional<FunctionReport> compare(
      Optional<Checkpoint> source, Path target, VerifyReport report, Terminal terminal)
      throws InterruptedException {
    boolean asked = Boolean.TRUE.equals(function);
    if (source.isEmpty() && (asked || !images.isEmpty())) {
      throw new UsageException(
          (asked ? "--function" : "--image") + " needs the SOURCE before the TARGET");
    }
    if (source.isEmpty() || Boolean.FALSE.equals(function)) {
      return Optional.empty();
    }
    FunctionCheck check =
        new FunctionCheck(
            source.get(),
            target,
            new FunctionVerifier.Question(
                trained
                    ? FunctionVerifier.Expectation.TRAINED
                    : FunctionVerifier.Expectation.CONVERTED,
                images.stream().map(this::resolve).toList()));
    Optional<String> obstacle = check.obstacle(report);
    if (obstacle.isEmpty()) {
      return Optional.of(check.run(threads.count(), terminal));
    }
    if (asked && report.passed()) {
      throw new ResourceShortage("the functions cannot be compared: " + obstacle.get());
    }
    terminal.warning("the functions were not compared: " + obstacle.get());
    return Optional.empty();
  }

  static void print(VerifyReport report, Optional<FunctionReport> function, Terminal terminal) {
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
    function.ifPresent(found -> FunctionCheck.print(found, terminal));
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
