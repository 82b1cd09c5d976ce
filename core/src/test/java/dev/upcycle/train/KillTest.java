package dev.upcycle.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.sample.SampleModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.io.TempDir;

/// Kills a run of three stages, checkpoints and an upcycling at any moment.
class KillTest {
  private static final long SEED = 20_261_123;
  private static final long POLL_MILLIS = 5;

  @TempDir private static Path folder;

  private static final int STEPS = 11;
  private static final List<String> METRICS =
      List.of("1-dense/metrics.jsonl", "2-sparse/metrics.jsonl", "3-routers/metrics.jsonl");

  /// Of a step, in a run that nothing disturbs; its start and end are shared among the steps.
  private static long millis;

  private final Random random = new Random(SEED);

  @BeforeAll
  static void trainWithoutInterruption() throws Exception {
    SampleModel.writeTo(folder.resolve("dense"));
    Process process = begin("whole");
    long start = System.nanoTime();
    assertThat(process.waitFor()).isZero();
    millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start) / STEPS;
  }

  /// What a killed run had come to.
  private enum Moment {
    BEFORE_THE_FIRST_STAGE,
    IN_THE_DENSE_STAGE,
    WHILE_EXPERTS_WERE_MADE,
    IN_THE_SPARSE_STAGE,
    IN_THE_ROUTERS_STAGE,
    /// Before the process, which had nothing left to do, was gone.
    AT_THE_END;

    static Moment of(Path run) {
      if (Files.exists(run.resolve("final"))) {
        return AT_THE_END;
      }
      if (Files.exists(run.resolve("3-routers"))) {
        return IN_THE_ROUTERS_STAGE;
      }
      if (Files.exists(run.resolve("2-sparse/metrics.jsonl"))) {
        return IN_THE_SPARSE_STAGE;
      }
      if (Files.exists(run.resolve("2-sparse"))) {
        return WHILE_EXPERTS_WERE_MADE;
      }
      return Files.exists(run.resolve("1-dense")) ? IN_THE_DENSE_STAGE : BEFORE_THE_FIRST_STAGE;
    }
  }

  @Test
  void threeKillsLeaveTheBytesOfAnUninterruptedRun(TestReporter reporter) throws Exception {
    killAndResume(3, reporter);
  }

  @Test
  @Tag("soak")
  void twentyKillsLeaveTheBytesOfAnUninterruptedRun(TestReporter reporter) throws Exception {
    killAndResume(20, reporter);
  }

  private void killAndResume(int kills, TestReporter reporter) throws Exception {
    long start = System.nanoTime();
    Map<String, Integer> moments = new TreeMap<>();
    int halves = 0;
    for (int kill = 0; kill < kills; kill++) {
      String run = "killed-" + kill;
      Process process = begin(run);
      boolean ended = waitFor(process, random.nextInt(STEPS), run);
      process.destroyForcibly().waitFor();
      moments.merge(Moment.of(folder.resolve(run)).name(), 1, Integer::sum);
      halves += Files.exists(folder.resolve(run).resolve("checkpoints/.unfinished")) ? 1 : 0;
      assertThat(begin(run).waitFor()).as("kill " + kill + ", ended before: " + ended).isZero();
      for (String part : List.of("final", "checkpoints/step-11", "checkpoints/step-11/model")) {
        Runs.assertSameBytes(
            folder.resolve(run).resolve(part), folder.resolve("whole").resolve(part));
      }
      for (String metrics : METRICS) {
        assertThat(folder.resolve(run).resolve(metrics))
            .hasSameTextualContentAs(folder.resolve("whole").resolve(metrics));
      }
    }
    assertThat(moments.keySet()).as("moments").isNotEqualTo(Set.of(Moment.AT_THE_END.name()));
    reporter.publishEntry(
        "kills",
        "%s; %d with a checkpoint half written; %d s in all, a step of a whole run %d ms"
            .formatted(
                moments,
                halves,
                TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start),
                millis));
  }

  /// Waits until a run has taken so many steps, and for up to a step more; whether it ended.
  private boolean waitFor(Process process, int steps, String run) throws Exception {
    while (process.isAlive() && taken(run) < steps) {
      TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
    }
    return process.waitFor(random.nextLong(millis), TimeUnit.MILLISECONDS);
  }

  private static long taken(String run) throws IOException {
    long steps = 0;
    for (String metrics : METRICS) {
      Path file = folder.resolve(run).resolve(metrics);
      if (Files.exists(file)) {
        steps += Files.readString(file).lines().filter(line -> line.contains("\"loss\"")).count();
      }
    }
    return steps;
  }

  /// Starts a run, or goes on with it, and waits until it has begun to write.
  private static Process begin(String run) throws IOException, InterruptedException {
    Process process = new Runs(folder).process(run, Runs.THREE_STAGES).start();
    while (process.isAlive() && Files.notExists(folder.resolve(run))) {
      TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
    }
    return process;
  }
}
