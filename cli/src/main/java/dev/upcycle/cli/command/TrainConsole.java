package dev.upcycle.cli.command;

import dev.upcycle.cli.terminal.ProgressMeter;
import dev.upcycle.cli.terminal.Quantities;
import dev.upcycle.cli.terminal.Terminal;
import dev.upcycle.data.DataException;
import dev.upcycle.train.RouterMeasures;
import dev.upcycle.train.StageSummary;
import dev.upcycle.train.StepLosses;
import dev.upcycle.train.StepReport;
import dev.upcycle.train.TrainListener;
import dev.upcycle.train.ValidationLoss;
import java.nio.file.Path;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
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
        losses.routers().isEmpty()
            ? ""
            : String.format(
                Locale.ROOT,
                " top %.2f bal %.2f z %.2f",
                losses.largestShare(),
                mean(losses, RouterMeasures::balance),
                mean(losses, RouterMeasures::routerZ));
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

  private static double mean(StepLosses losses, ToDoubleFunction<RouterMeasures> loss) {
    return losses.routers().values().stream().mapToDouble(loss).average().orElse(0);
  }

  @Override
  public void warned(long step, String what) {
    terminal.warning("step %d: %s".formatted(step, what));
  }

  @Override
  public void tornCheckpoint(Path checkpoint) {
    terminal.warning(checkpoint + " is not whole and was passed over");
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
    if (stage.taken() < stage.steps()) {
      terminal.note(
          "stage %s ends after %s of %s steps: its patience with measurements is at its end"
              .formatted(
                  stage.name(), Quantities.count(stage.taken()), Quantities.count(stage.steps())));
    }
  }

  /// The cross-entropy of the first and the last step of this process.
  String losses() {
    if (first == null || last == null) {
      return "";
    }
    return first.step() == last.step()
        ? String.format(
            Locale.ROOT,
            ", cross-entropy %.4f at step %d",
            first.losses().crossEntropy(),
            first.step())
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
