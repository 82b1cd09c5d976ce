package dev.upcycle.cli.command;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.cli.terminal.Surroundings;
import dev.upcycle.cli.terminal.Terminal;
import dev.upcycle.cli.terminal.Verbosity;
import dev.upcycle.recipe.Part;
import dev.upcycle.train.RouterMeasures;
import dev.upcycle.train.StageSummary;
import dev.upcycle.train.StepLosses;
import dev.upcycle.train.StepReport;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.SequencedMap;
import java.util.Set;
import org.junit.jupiter.api.Test;

class TrainConsoleTest {
  private static final long SECOND = 1_000_000_000L;

  private final ByteArrayOutputStream err = new ByteArrayOutputStream();
  private final long[] now = {0};

  /// Every reading of the meter's clock is eleven seconds later, so that each step is shown.
  private TrainConsole console(Set<Surroundings.Stream> terminals) {
    PrintStream stream = new PrintStream(err, true, StandardCharsets.UTF_8);
    Surroundings surroundings =
        new Surroundings(stream, stream, Map.of(), Path.of("."), terminals, _ -> {});
    Terminal terminal = new Terminal(surroundings, Verbosity.NORMAL, Optional.empty());
    long[] meter = {0};
    return new TrainConsole(
        terminal, name -> terminal.meter(name, () -> meter[0] += 11 * SECOND), () -> now[0]);
  }

  private String said() {
    return err.toString(StandardCharsets.UTF_8);
  }

  private static StageSummary stage(long taken) {
    return new StageSummary(0, "sparse", 200, taken, 40, 40, 1_000_000);
  }

  private static StepReport step(long step, List<List<Long>> choices) {
    SequencedMap<Part, RouterMeasures> routers = new LinkedHashMap<>();
    if (!choices.isEmpty()) {
      routers.put(Part.LANGUAGE, new RouterMeasures(1.02, 0.31, choices));
    }
    StepLosses losses = new StepLosses(2.4, 2.3412, routers);
    return new StepReport("sparse", step, step, 200, losses, 1, 2e-5, 1_000, 0);
  }

  @Test
  void aLineTellsWhereTheStageStandsItsLossesItsSpeedAndItsLoad() {
    try (TrainConsole console = console(Set.of())) {
      console.began(stage(0));
      now[0] = 50 * SECOND;
      console.stepped(step(50, List.of(List.of(30L, 70L))));
      console.ended(stage(200), OptionalDouble.empty());
    }
    assertThat(said().lines())
        .containsExactly(
            "stage sparse: 200 steps, 40 of 40 tensors train, 1,000,000 parameters",
            "sparse 50/200 2 min 30 s left loss 2.341 lr 2e-05 20 tok/s top 0.70 bal 1.02 z 0.31");
  }

  @Test
  void aDenseModelHasNoLoad() {
    try (TrainConsole console = console(Set.of())) {
      console.began(stage(0));
      now[0] = SECOND;
      console.stepped(step(1, List.of()));
    }
    assertThat(said()).endsWith("sparse 1/200 3 min 19 s left loss 2.341 lr 2e-05 1000 tok/s\n");
  }

  @Test
  void aResumedStageMeasuresItsSpeedByItsOwnSteps() {
    try (TrainConsole console = console(Set.of())) {
      console.began(stage(150));
      now[0] = 10 * SECOND;
      console.stepped(step(160, List.of()));
    }
    assertThat(said()).contains("sparse 160/200 40 s left");
  }

  @Test
  void aTerminalRedrawsItsLine() {
    try (TrainConsole console = console(Set.of(Surroundings.Stream.ERR))) {
      console.began(stage(0));
      now[0] = SECOND;
      console.stepped(step(1, List.of()));
      console.stepped(step(2, List.of()));
    }
    assertThat(said()).contains("\rsparse 1/200").contains("\rsparse 2/200").endsWith(" \r");
  }

  @Test
  void whatTheUserShouldKnowIsAWarning() {
    try (TrainConsole console = console(Set.of())) {
      console.began(stage(0));
      console.warned(100, "no token chose expert 1");
    }
    assertThat(said()).contains("warning: step 100: no token chose expert 1");
  }

  @Test
  void aStageThatPatienceEndsSaysSo() {
    try (TrainConsole console = console(Set.of())) {
      console.began(stage(0));
      console.ended(stage(90), OptionalDouble.of(2));
    }
    assertThat(said()).contains("stage sparse ends after 90 of 200 steps");
  }
}
