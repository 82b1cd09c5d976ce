package dev.upcycle.cli.command;

import dev.upcycle.cli.terminal.ProgressMeter;
import dev.upcycle.cli.terminal.Quantities;
import dev.upcycle.cli.terminal.Terminal;
import dev.upcycle.train.StageSummary;
import dev.upcycle.train.StepLosses;
import dev.upcycle.train.StepReport;
import dev.upcycle.train.TrainListener;
import java.nio.file.Path;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/// Shows how a run goes on; owns the line that it redraws.
final class TrainConsole implements TrainListener, AutoCloseable {
  private final Terminal terminal;
  private @Nullable ProgressMeter meter;
  private @Nullable StepReport first;
  private @Nullable StepReport last;
  private final Function<String, ProgressMeter> meters;
  private final LongSupplier nanos;
  private long taken;
  private long tokens;
  private long begun;

  TrainConsole(Terminal terminal) {
    this(terminal, terminal::meter, System::nanoTime);
  }

  /// @param meters make a stage's meter
  /// @param nanos a clock in nanoseconds
  TrainConsole(Terminal terminal, Function<String, ProgressMeter> meters, LongSupplier nanos) {
    this.terminal = terminal;
    this.meters = meters;
    this.nanos = nanos;
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
    meter = meters.apply(stage.name());
    taken = stage.taken();
    tokens = 0;
    begun = nanos.getAsLong();
  }

  @Override
  public void stepped(StepReport step) {
    first = first == null ? step : first;
    last = step;
    tokens += step.tokens();
    if (meter != null) {
      meter.told(() -> line(step));
    }
  }

  /// Short, since a line that is redrawn is cut at the edge of the terminal.
  private String line(StepReport step) {
    double seconds = Math.max(1e-9, (nanos.getAsLong() - begun) / 1e9);
    double left = seconds / (step.stageStep() - taken) * (step.stageSteps() - step.stageStep());
    StepLosses losses = step.losses();
    String routed =
        losses.shares().isEmpty()
            ? ""
            : String.format(
                Locale.ROOT,
                " top %.2f bal %.2f z %.2f",
                losses.largestShare(),
                losses.balance(),
                losses.routerZ());
    return String.format(
        Locale.ROOT,
        "%d/%d %s left loss %.3f lr %.0e %.0f tok/s%s",
        step.stageStep(),
        step.stageSteps(),
        Quantities.seconds(left),
        losses.crossEntropy(),
        step.rate(),
        tokens / seconds,
        routed);
  }

  @Override
  public void warned(long step, String what) {
    terminal.warning("step %d: %s".formatted(step, what));
  }

  @Override
  public void validated(long step, double loss) {
    terminal.note(String.format(Locale.ROOT, "step %d: validation loss %.4f", step, loss));
  }

  @Override
  public void saved(Path checkpoint) {
    terminal.detail("saved " + checkpoint);
  }

  @Override
  public void ended(StageSummary stage, OptionalDouble validation) {
    close();
    if (stage.taken() < stage.steps()) {
      terminal.note(
          "stage %s ends after %s of %s steps: its patience with measurements is at its end"
              .formatted(
                  stage.name(), Quantities.count(stage.taken()), Quantities.count(stage.steps())));
    }
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
