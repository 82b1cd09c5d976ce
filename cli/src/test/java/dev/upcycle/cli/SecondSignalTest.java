package dev.upcycle.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.fixtures.ChildJvm;
import dev.upcycle.sample.SampleModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Ends a process in the middle of a step that lasts as long as the test wants.
@Timeout(120)
class SecondSignalTest {
  private static final String RECIPE =
      """
      recipe: 1
      train:
        stages:
          - name: tune
            rates: {all: 1.0e-3}
            batch: 2
            micro_batch: 2
            epochs: 1000
            data: {path: dense/held-out.txt, max_tokens: 32}
      """;

  private static final String NOTICE = "the step in work is finished and saved first";

  @TempDir private Path folder;
  private final List<Process> begun = new ArrayList<>();

  @BeforeEach
  void prepare() throws IOException {
    SampleModel.writeTo(folder.resolve("dense"));
    Files.writeString(folder.resolve("tune.yaml"), RECIPE);
  }

  @AfterEach
  void end() {
    begun.forEach(Process::destroyForcibly);
  }

  /// A process that has come to the gate.
  private Process atTheGate(String gate, String... arguments) throws Exception {
    List<String> command =
        new ArrayList<>(
            List.of(
                // A shell lets what runs in its background pass over SIGINT, and so this process.
                "env", "--default-signal=INT,TERM,HUP"));
    List<String> told = new ArrayList<>(List.of(folder.toString(), gate));
    told.addAll(List.of(arguments));
    command.addAll(ChildJvm.command(InterruptionProbe.class, List.of(), told));
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("log").toFile())
            .start();
    begun.add(process);
    await(process, () -> Files.exists(folder.resolve(InterruptionProbe.REACHED)));
    return process;
  }

  private Process inAStep() throws Exception {
    return atTheGate("tune ", "train", "./tune.yaml", "--model", "./dense", "--out", "./run");
  }

  private interface Condition {
    boolean holds() throws IOException;
  }

  private void await(Process process, Condition condition) throws Exception {
    while (!condition.holds()) {
      assertThat(process.isAlive()).as(log()).isTrue();
      TimeUnit.MILLISECONDS.sleep(5);
    }
  }

  private String log() throws IOException {
    return Files.readString(folder.resolve("log"));
  }

  private static void signal(String name, Process process) throws Exception {
    Process kill =
        new ProcessBuilder("sh", "-c", "kill -s %s %d".formatted(name, process.pid()))
            .inheritIO()
            .start();
    assertThat(kill.waitFor()).isZero();
  }

  private String[] checkpoints() {
    String[] names = folder.resolve("run/checkpoints").toFile().list();
    return names == null ? new String[0] : names;
  }

  @ParameterizedTest
  @ValueSource(strings = {"INT", "TERM"})
  void aFirstSignalLetsALongStepEndAndSavesIt(String name) throws Exception {
    Process process = inAStep();

    signal(name, process);

    await(process, () -> log().contains(NOTICE));
    boolean ended =
        process.waitFor(4 * InterruptionProbe.PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
    assertThat(ended).as("within the patience that others have").isFalse();
    Files.write(folder.resolve(InterruptionProbe.OPEN), new byte[0]);
    assertThat(process.waitFor()).isEqualTo(130);
    assertThat(checkpoints()).singleElement().asString().startsWith("step-");
    assertThat(log()).contains("the same command with --resume");
  }

  @ParameterizedTest
  @ValueSource(strings = {"INT", "TERM"})
  void aSecondSignalStopsAtOnceWithoutSaving(String name) throws Exception {
    Process process = inAStep();
    signal("TERM", process);
    await(process, () -> log().contains(NOTICE));

    signal(name, process);

    assertThat(process.waitFor()).isEqualTo(130);
    assertThat(checkpoints()).isEmpty();
    assertThat(log()).contains("stopped by a second signal, nothing more was saved");
  }

  @Test
  void otherCommandsAreLeftWhenTheirPatienceEnds() throws Exception {
    Process process = atTheGate("took ", "inspect", "./dense", "--verbose");

    signal("TERM", process);

    assertThat(process.waitFor()).isEqualTo(130);
    assertThat(log()).contains("the work in progress did not stop in time").doesNotContain(NOTICE);
  }
}
