package dev.upcycle.cli.command;

import static dev.upcycle.cli.command.LayersReport.number;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.cli.terminal.ProgressMeter;
import dev.upcycle.cli.terminal.Table;
import dev.upcycle.cli.terminal.Terminal;
import dev.upcycle.dialect.Sources;
import dev.upcycle.function.FunctionReport;
import dev.upcycle.function.FunctionReport.Errors;
import dev.upcycle.function.FunctionReport.Inputs;
import dev.upcycle.function.FunctionVerifier;
import dev.upcycle.function.FunctionVerifier.Obstacle;
import dev.upcycle.function.FunctionVerifier.Question;
import dev.upcycle.model.ModelOptions;
import dev.upcycle.verify.VerifyReport;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// The part of `verify` that runs both models.
///
/// @param dense the dense model
/// @param target the model made from it
/// @param question what is expected of the target, and what both look at
record FunctionCheck(Checkpoint dense, Path target, Question question) {
  private static final String NAME = "function";

  /// Checks of structure without which no model can be bound.
  private static final Set<String> FOUNDATIONS =
      Set.of("tensor names", "shapes", "dtypes", "headers", "index", "config", "files");

  /// What came of it.
  sealed interface Result {
    /// Nobody asked for it.
    record Unasked() implements Result {}

    /// Both models ran.
    record Compared(FunctionReport report) implements Result {}

    /// They did not.
    ///
    /// @param because why
    /// @param code what that means where the comparison was insisted on
    record Missed(String because, ExitCode code) implements Result {}

    /// The target cannot be what its structure says.
    record Unbound(String because) implements Result {}
  }

  /// Refuses images for models that look at none.
  void requireUse() {
    if (!question.images().isEmpty() && !FunctionVerifier.sees(dense)) {
      throw new UsageException(
          "--image: a %s looks at no images".formatted(dense.config().modelType()));
    }
  }

  /// Runs both models where nothing is in the way.
  ///
  /// @param report what the other checks found
  /// @param threads of one operation
  Result result(VerifyReport report, int threads, Terminal terminal) throws InterruptedException {
    for (VerifyReport.Failure failure : report.failures()) {
      if (FOUNDATIONS.contains(failure.check())) {
        return new Result.Missed("the check of " + failure.check() + " failed", ExitCode.CHECK);
      }
    }
    Optional<Obstacle> obstacle = FunctionVerifier.obstacle(dense, Sources.open(target));
    if (obstacle.isEmpty()) {
      return new Result.Compared(run(threads, terminal));
    }
    String because = obstacle.get().message();
    return switch (obstacle.get().cause()) {
      case MACHINE -> new Result.Missed(because, ExitCode.RESOURCES);
      case MODELS -> new Result.Missed(because, ExitCode.INPUT);
      case TARGET -> new Result.Unbound(because);
    };
  }

  private FunctionReport run(int threads, Terminal terminal) throws InterruptedException {
    ModelOptions.cpu().useThreads(threads);
    try (ProgressMeter meter = terminal.meter("comparing functions")) {
      return FunctionVerifier.verify(
          dense,
          Sources.open(target),
          question,
          (done, total) -> meter.counted(done, total, "layers"));
    }
  }

  /// The report with this check's result among the others.
  static VerifyReport with(VerifyReport report, Result result) {
    return switch (result) {
      case Result.Unasked _, Result.Missed _ -> report;
      case Result.Compared(FunctionReport function) ->
          with(
              report,
              function.layers().size(),
              function.failures().stream()
                  .map(failure ->
                      new VerifyReport.Failure(NAME, failure.subject(), failure.message()))
                  .toList());
      case Result.Unbound(String because) ->
          with(report, 1, List.of(new VerifyReport.Failure(NAME, "target", because)));
    };
  }

  private static VerifyReport with(
      VerifyReport report, long covered, List<VerifyReport.Failure> found) {
    List<VerifyReport.Check> checks = new ArrayList<>(report.checks());
    List<VerifyReport.Failure> failures = new ArrayList<>(report.failures());
    checks.add(new VerifyReport.Check(NAME, covered, 0, found.size()));
    failures.addAll(found);
    return new VerifyReport(checks, failures, report.remarks());
  }

  static void print(Result result, Terminal terminal) {
    if (result instanceof Result.Compared(FunctionReport function)) {
      print(function, terminal);
    }
  }

  private static void print(FunctionReport function, Terminal terminal) {
    Table table =
        Table.pairs()
            .row("worst layer alone", error(function.worstLayer()) + bound(function.bound()))
            .row("worst layer in the walk", within(function.worstAccumulated().errors(), function));
    function
        .results()
        .forEach(result -> table.row(result.name(), within(result.errors(), function)));
    function.whyNotJudged().ifPresent(why -> table.row("bound", "none: " + why));
    function
        .findLoss()
        .ifPresent(loss ->
            table
                .row("loss, dense", number("%.6f", loss.dense()))
                .row("loss, target", number("%.6f", loss.target())));
    function
        .gates()
        .ifPresent(gates ->
            table.row(
                "sums of gate weights",
                "%s to %s".formatted(number("%.7f", gates.least()), number("%.7f", gates.most()))));
    if (function.experts() > 0) {
      table.row("experts run", expertsRun(function));
    }
    function
        .findControl()
        .ifPresent(control ->
            table.row(
                "wrong expert would show",
                error(control.error())
                    + " (expert %d of %s with the opposite sign)"
                        .formatted(control.expert(), control.place().name())));
    terminal.result(
        "\nfunction: relative errors of " + seen(function.inputs()) + " in float32\n" + table);
  }

  private static String within(Errors errors, FunctionReport function) {
    String found = error(errors.accumulated());
    return function.whyNotJudged().isPresent() ? found : found + bound(function.limit(errors));
  }

  private static String bound(double bound) {
    return ", bound " + error(bound);
  }

  private static String expertsRun(FunctionReport function) {
    List<FunctionReport.Layer> layers = function.layersWithMissedExperts();
    if (layers.isEmpty()) {
      return "all " + function.experts();
    }
    FunctionReport.Layer first = layers.getFirst();
    List<Integer> missed = first.findExperts().orElseThrow().missed();
    long all =
        layers.stream().mapToLong(layer -> layer.findExperts().orElseThrow().missed().size()).sum();
    return "%d of %d; not %s of %s%s"
        .formatted(
            function.experts() - all,
            function.experts(),
            missed,
            first.place().name(),
            layers.size() == 1 ? "" : " and others of %d more".formatted(layers.size() - 1));
  }

  private static String seen(Inputs inputs) {
    String tokens = inputs.tokens() + " tokens";
    if (inputs.images() == 0) {
      return tokens;
    }
    String images =
        switch (inputs.origin()) {
          case NOISE -> inputs.images() + " images of noise";
          case FILES -> inputs.images() + (inputs.images() == 1 ? " image" : " images");
        };
    return inputs.tokens() == 0 ? images : images + " and " + tokens;
  }

  private static String error(double value) {
    return number("%.3g", value);
  }

  static void put(Result result, ObjectNode document) {
    switch (result) {
      case Result.Unasked _ -> {}
      case Result.Compared(FunctionReport function) ->
          put(function, document.putObject(NAME).put("compared", true));
      case Result.Missed(String because, _) -> putMissed(because, document);
      case Result.Unbound(String because) -> putMissed(because, document);
    }
  }

  private static void putMissed(String because, ObjectNode document) {
    document.putObject(NAME).put("compared", false).put("because", because);
  }

  private static void put(FunctionReport function, ObjectNode member) {
    member
        .put("judged", function.whyNotJudged().isEmpty())
        .put("passed", function.passed())
        .put("tokens", function.inputs().tokens())
        .put("images", function.inputs().images());
    if (function.inputs().images() > 0) {
      member.put("image_origin", function.inputs().origin().name().toLowerCase(Locale.ROOT));
    }
    member.put("bound", function.bound());
    for (FunctionReport.Result result : function.results()) {
      String name = result.name().replace(' ', '_');
      member
          .put(name + "_relative_error", result.errors().accumulated())
          .put(name + "_bound", function.limit(result.errors()));
    }
    function
        .findLoss()
        .ifPresent(
            loss -> member.put("loss_dense", loss.dense()).put("loss_target", loss.target()));
    function.whyNotJudged().ifPresent(why -> member.put("not_judged_because", why));
    function
        .firstParting()
        .ifPresent(layer -> {
          layer.place().part().ifPresent(part -> member.put("first_parting_part", part.key()));
          member.put("first_parting_layer", layer.place().layer());
        });
    ArrayNode layers = member.putArray("layers");
    for (FunctionReport.Layer layer : function.layers()) {
      ObjectNode row = at(layer.place(), layers.addObject());
      row.put("relative_error", layer.errors().alone())
          .put("accumulated_relative_error", layer.errors().accumulated())
          .put("accumulated_bound", function.limit(layer.errors()));
      function.whyExempt(layer).ifPresent(why -> row.put("not_judged_because", why));
      layer
          .findGates()
          .ifPresent(gates ->
              row.putObject("gate_sums").put("min", gates.least()).put("max", gates.most()));
      layer
          .findExperts()
          .ifPresent(experts -> {
            ObjectNode run = row.putObject("experts").put("count", experts.count());
            experts.unchosen().forEach(run.putArray("unchosen")::add);
            experts.missed().forEach(run.putArray("not_run")::add);
          });
    }
    function
        .findControl()
        .ifPresent(control ->
            at(control.place(), member.putObject("negative_control"))
                .put("expert", control.expert())
                .put("relative_error", control.error()));
  }

  private static ObjectNode at(FunctionReport.Place place, ObjectNode node) {
    place.part().ifPresent(part -> node.put("part", part.key()));
    return node.put("layer", place.layer());
  }
}
