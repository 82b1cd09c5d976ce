package dev.upcycle.cli.command;

import dev.upcycle.cli.terminal.ProgressMeter;
import dev.upcycle.cli.terminal.Quantities;
import dev.upcycle.cli.terminal.Terminal;
import dev.upcycle.data.DataException;
import dev.upcycle.train.StageSummary;
import dev.upcycle.train.StepReport;
import dev.upcycle.train.TrainListener;
import dev.upcycle.train.ValidationLoss;
import java.nio.file.Path;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/// Shows how a run goes on; owns the line that it redraws.
final class TrainConsole implements TrainListener, AutoCloseable {
  private static final double DEAD_SHARE = 0.999;

  private final Terminal terminal;
  private @Nullable ProgressMeter meter;
  private @Nullable StepReport first;
  private @Nullable StepReport last;
  private boolean warned;

  TrainConsole(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public void began(StageSummary stage) {
    close();
    terminal.note(
        "stage %s: %s steps, %d of %d tensors train, %s parameters"
            .formatted(
                stage.name(),
                Quantities.count(stage.steps()),
                stage.trained(),
                stage.tensors(),
                Quantities.count(stage.trainedParameters())));
    meter = terminal.meter(stage.name());
  }

  @Override
  public void stepped(StepReport step) {
    first = first == null ? step : first;
    last = step;
    if (meter != null) {
      String share =
          step.losses().routers().isEmpty()
              ? ""
              : String.format(Locale.ROOT, ", largest share %.2f", step.losses().largestShare());
      meter.counted(
          step.stageStep(),
          step.stageSteps(),
          String.format(
              Locale.ROOT,
              "steps, loss %.4f, rate %.2e%s",
              step.losses().total(),
              step.rate(),
              share));
    }
    if (!warned && step.losses().largestShare() > DEAD_SHARE) {
      warned = true;
      terminal.warning(
          "step %d: one expert has every token of a layer; a weight for losses.balance parts them"
              .formatted(step.step()));
    }
  }

  @Override
  public void passedOver(DataException fault) {
    terminal.warning("passed over: " + fault.getMessage());
  }

  @Override
  public void validated(long step, ValidationLoss loss) {
    String apart =
        loss.sources().size() == 1
            ? ""
            : loss.sources().entrySet().stream()
                .map(source ->
                    String.format(Locale.ROOT, "%s %.4f", source.getKey(), source.getValue()))
                .collect(Collectors.joining(", ", ": ", ""));
    terminal.note(
        String.format(Locale.ROOT, "step %d: validation loss %.4f%s", step, loss.mean(), apart));
  }

  @Override
  public void saved(Path checkpoint) {
    terminal.detail("saved " + checkpoint);
  }

  @Override
  public void ended(StageSummary stage, OptionalDouble validation) {
    close();
  }

  /// The cross-entropy of the first and the last step of this process.
  String losses() {
    return first == null || last == null
        ? ""
        : String.format(
            Locale.ROOT,
            ", cross-entropy %.4f at step %d and %.4f at step %d",
            first.losses().crossEntropy(),
            first.step(),
            last.losses().crossEntropy(),
            last.step());
  }

  /// The same for a document; nothing where this process took no step.
  void putLosses(ObjectNode document) {
    if (first != null && last != null) {
      document
          .put("first_cross_entropy", first.losses().crossEntropy())
          .put("last_cross_entropy", last.losses().crossEntropy());
    }
  }

  @Override
  public void close() {
    if (meter != null) {
      meter.close();
      meter = null;
    }
  }
}
