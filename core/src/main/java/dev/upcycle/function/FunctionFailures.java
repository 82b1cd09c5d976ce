package dev.upcycle.function;

import dev.upcycle.function.FunctionReport.Control;
import dev.upcycle.function.FunctionReport.Errors;
import dev.upcycle.function.FunctionReport.Failure;
import dev.upcycle.function.FunctionReport.Layer;
import dev.upcycle.function.FunctionReport.Result;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// What of a report does not hold.
///
/// A layer is named for what it does by itself, given the dense model's states; what adds up is
/// said of the model's results, for no layer need be at fault.
record FunctionFailures(FunctionReport report) {
  List<Failure> all() {
    List<Failure> failures = new ArrayList<>();
    report.layers().stream()
        .filter(this::fails)
        .findFirst()
        .ifPresent(layer -> failures.add(new Failure(layer.place().name(), parting(layer))));
    report.results().forEach(result -> of(result).ifPresent(failures::add));
    if (failures.isEmpty() && judged()) {
      report.layers().stream()
          .filter(layer -> !within(layer.errors()))
          .findFirst()
          .ifPresent(layer -> failures.add(addedUp(layer)));
    }
    if (failures.isEmpty()) {
      report
          .findLoss()
          .filter(loss -> !Double.isFinite(loss.target()))
          .ifPresent(_ -> failures.add(new Failure("loss", "not finite")));
    }
    report.findControl().filter(this::blind).ifPresent(control -> failures.add(of(control)));
    return failures;
  }

  private boolean judged() {
    return report.judgement().objection().isEmpty();
  }

  private boolean judged(Layer layer) {
    return report.judgement().objection(layer.place()).isEmpty();
  }

  private boolean within(Errors errors) {
    return errors.accumulated() <= report.limit(errors);
  }

  private boolean fails(Layer layer) {
    double alone = layer.errors().alone();
    return judged(layer) ? !(alone <= report.bound()) : !Double.isFinite(alone);
  }

  private String parting(Layer layer) {
    double alone = layer.errors().alone();
    return "the first layer that parts from the dense model: "
        + (Double.isFinite(alone)
            ? "its own relative error is " + beyond(alone, report.bound())
            : "not finite");
  }

  private Optional<Failure> of(Result result) {
    Errors errors = result.errors();
    if (!Double.isFinite(errors.accumulated())) {
      return Optional.of(new Failure(result.name(), "not finite"));
    }
    if (!judged()) {
      return Optional.empty();
    }
    if (!(errors.alone() <= report.bound())) {
      return Optional.of(
          new Failure(
              result.name(),
              "of the dense model's own states: relative error "
                  + beyond(errors.alone(), report.bound())));
    }
    return within(errors)
        ? Optional.empty()
        : Optional.of(
            new Failure(
                result.name(),
                "relative error " + beyond(errors.accumulated(), report.limit(errors))));
  }

  /// Names the layer that errs most by itself on the way to the one where errors pass their limit.
  private Failure addedUp(Layer passed) {
    List<Layer> all = report.layers();
    Layer most =
        all.subList(0, all.indexOf(passed) + 1).stream()
            .max(Comparator.comparingDouble(layer -> layer.errors().alone()))
            .orElseThrow();
    return new Failure(
        most.place().name(),
        "errs most by itself of the layers up to %s, where errors have added up to %s"
            .formatted(
                passed.place().name(),
                beyond(passed.errors().accumulated(), report.limit(passed.errors()))));
  }

  private boolean blind(Control control) {
    return report.judgement().objection(control.place()).isEmpty()
        && !(control.error() > report.bound());
  }

  private static Failure of(Control wrong) {
    return new Failure(
        "negative control",
        ("expert %s of %s with the opposite sign gives a relative error of %s only: this check"
                + " cannot see a wrong expert here")
            .formatted(wrong.expert(), wrong.place().name(), number(wrong.error())));
  }

  private static String beyond(double found, double bound) {
    return number(found) + ", expected at most " + number(bound);
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, "%.3g", value);
  }
}
