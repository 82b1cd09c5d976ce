package dev.upcycle.cli.command;

import static dev.upcycle.cli.command.LayersReport.number;

import dev.upcycle.arch.Architecture;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.cli.terminal.ProgressMeter;
import dev.upcycle.cli.terminal.Table;
import dev.upcycle.cli.terminal.Terminal;
import dev.upcycle.dialect.Sources;
import dev.upcycle.function.FunctionReport;
import dev.upcycle.function.FunctionVerifier;
import dev.upcycle.function.FunctionVerifier.Expectation;
import dev.upcycle.model.ModelOptions;
import dev.upcycle.verify.VerifyReport;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// The part of `verify` that runs both models.
///
/// @param source the dense model
/// @param target the model made from it
/// @param expectation what is expected of the target
record FunctionCheck(Path source, Path target, Expectation expectation) {
  private static final String NAME = "function";

  /// Checks of structure without which no model can be bound.
  private static final Set<String> FOUNDATIONS =
      Set.of("tensor names", "shapes", "dtypes", "headers", "index", "config", "files");

  /// Why it cannot run here and on what the other checks found; empty when it can.
  Optional<String> obstacle(VerifyReport report) {
    for (VerifyReport.Failure failure : report.failures()) {
      if (FOUNDATIONS.contains(failure.check())) {
        return Optional.of("the check of " + failure.check() + " failed");
      }
    }
    Checkpoint opened = Checkpoint.open(target);
    String family = opened.config().modelType();
    if (Architecture.find(family).filter(known -> !known.decodes()).isPresent()) {
      return Optional.of("a " + family + " writes no texts, and only those are run here");
    }
    return FunctionVerifier.unavailable()
        .or(() -> FunctionVerifier.mismatch(Sources.open(source), opened));
  }

  /// @param threads of one operation
  FunctionReport run(int threads, Terminal terminal) throws InterruptedException {
    ModelOptions.cpu().useThreads(threads);
    try (ProgressMeter meter = terminal.meter("comparing functions")) {
      return FunctionVerifier.verify(
          Sources.open(source),
          Checkpoint.open(target),
          expectation,
          (done, total) -> meter.counted(done, total, "layers"));
    }
  }

  /// The report with this check's result among the others.
  static VerifyReport with(VerifyReport report, FunctionReport function) {
    List<VerifyReport.Check> checks = new ArrayList<>(report.checks());
    List<VerifyReport.Failure> failures = new ArrayList<>(report.failures());
    List<FunctionReport.Failure> found = function.failures();
    checks.add(new VerifyReport.Check(NAME, function.layers().size(), 0, found.size()));
    found.forEach(failure ->
        failures.add(new VerifyReport.Failure(NAME, failure.subject(), failure.message())));
    return new VerifyReport(checks, failures, report.remarks());
  }

  static void print(FunctionReport function, Terminal terminal) {
    Table table =
        Table.pairs()
            .row("worst layer alone", error(function.worstLayer()))
            .row("worst layer in the walk", error(function.worstAccumulated()))
            .row("logits", error(function.logits()))
            .row(
                "bound",
                function.whyNotJudged().map(why -> "none: " + why).orElse(error(function.bound())))
            .row("loss, dense", number("%.6f", function.loss().dense()))
            .row("loss, target", number("%.6f", function.loss().target()));
    function
        .gates()
        .ifPresent(gates ->
            table.row(
                "sums of gate weights",
                "%s to %s".formatted(number("%.7f", gates.least()), number("%.7f", gates.most()))));
    function
        .findControl()
        .ifPresent(control ->
            table.row(
                "wrong expert would show",
                error(control.error())
                    + " (expert %d of layer %d with the opposite sign)"
                        .formatted(control.expert(), control.layer())));
    terminal.result(
        "\nfunction: relative errors of " + function.tokens() + " tokens in float32\n" + table);
  }

  private static String error(double value) {
    return number("%.3g", value);
  }

  static void put(FunctionReport function, ObjectNode document) {
    ObjectNode member = document.putObject(NAME);
    member
        .put("judged", function.whyNotJudged().isEmpty())
        .put("passed", function.passed())
        .put("tokens", function.tokens())
        .put("bound", function.bound())
        .put("logits_relative_error", function.logits())
        .put("loss_dense", function.loss().dense())
        .put("loss_target", function.loss().target());
    function.whyNotJudged().ifPresent(why -> member.put("not_judged_because", why));
    function.firstParting().ifPresent(layer -> member.put("first_parting_layer", layer.layer()));
    ArrayNode layers = member.putArray("layers");
    for (FunctionReport.Layer layer : function.layers()) {
      ObjectNode row =
          layers
              .addObject()
              .put("layer", layer.layer())
              .put("relative_error", layer.own())
              .put("accumulated_relative_error", layer.accumulated());
      layer
          .findGates()
          .ifPresent(gates ->
              row.putObject("gate_sums").put("min", gates.least()).put("max", gates.most()));
    }
    function
        .findControl()
        .ifPresent(control ->
            member
                .putObject("negative_control")
                .put("layer", control.layer())
                .put("expert", control.expert())
                .put("relative_error", control.error()));
  }
}
