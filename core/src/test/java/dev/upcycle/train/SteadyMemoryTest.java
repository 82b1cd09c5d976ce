package dev.upcycle.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.upcycle.fixtures.ChildJvm;
import dev.upcycle.fixtures.ResidentBytes;
import dev.upcycle.sample.SampleModel;
import dev.upcycle.train.SteadyMemoryProbe.Keeping;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.io.TempDir;

/// A run with data, metrics, validation and checkpoints needs no more memory the longer it goes.
class SteadyMemoryTest {
  private static final long MIB = 1 << 20;

  @TempDir private Path folder;

  @BeforeEach
  void onlyLinuxTellsResidentMemoryThisWay() {
    assumeTrue(Files.exists(ResidentBytes.STATUS));
  }

  /// @param every steps between two checkpoints, and between two measurements
  private static String recipe(int steps, int every) {
    return """
    recipe: 1
    language: {experts: {count: 4}, router: {init: {kind: normal, std: 0.5}}}
    train:
      stages:
        - name: sparse
          upcycle: language
          rates: {all: 1.0e-4}
          batch: 2
          steps: %d
          epochs: 1000
          clip_norm: 1
          ema: 0.9
          data: {path: dense/held-out.txt, max_tokens: 32}
          checkpoint: {every: %d}
          validate: {path: dense/held-out.txt, every: %d, rows: 2}
    """
        .formatted(steps, every, every);
  }

  /// Resident bytes after each step, in a process whose Java heap does not grow.
  private List<Long> resident(String recipe, Keeping keeping)
      throws IOException, InterruptedException {
    SampleModel.writeTo(folder.resolve("dense"));
    ProcessBuilder builder =
        new ProcessBuilder(
            ChildJvm.command(
                SteadyMemoryProbe.class,
                List.of("-Xms96m", "-Xmx96m", "-XX:+AlwaysPreTouch"),
                List.of(folder.toString(), keeping.name(), recipe)));
    builder.environment().put("MALLOC_ARENA_MAX", "1");
    builder.environment().put("MALLOC_MMAP_THRESHOLD_", "65536");
    Path said = folder.resolve("said");
    Path faults = folder.resolve("faults");
    Process process = builder.redirectOutput(said.toFile()).redirectError(faults.toFile()).start();
    assertThat(process.waitFor()).describedAs(Files.readString(faults)).isZero();
    return Files.readAllLines(said).stream().map(Long::valueOf).toList();
  }

  /// By how much the median of the last quarter lies above that of the second.
  private static long growth(List<Long> resident) {
    int quarter = resident.size() / 4;
    return median(resident.subList(3 * quarter, resident.size()))
        - median(resident.subList(quarter, 2 * quarter));
  }

  private static long median(List<Long> values) {
    return values.stream().sorted().toList().get(values.size() / 2);
  }

  @Test
  void residentMemoryStaysFlatOverSixtySteps() throws Exception {
    List<Long> resident = resident(recipe(60, 10), Keeping.NOTHING);
    assertThat(resident).hasSize(60);
    assertThat(growth(resident)).isLessThan(3 * MIB);
  }

  @Test
  void growthIsThatFromTheSecondToTheLastQuarter() {
    assertThat(growth(List.of(9L, 9L, 2L, 2L, 7L, 7L, 5L, 5L))).isEqualTo(3);
  }

  @Test
  @Tag("soak")
  void residentMemoryStaysFlatOverFiveHundredSteps(TestReporter reporter) throws Exception {
    List<Long> resident = resident(recipe(500, 50), Keeping.NOTHING);
    reporter.publishEntry(
        "resident",
        "%d bytes in the second quarter, %+d in the last"
            .formatted(median(resident.subList(125, 250)), growth(resident)));
    assertThat(resident).hasSize(500);
    assertThat(growth(resident)).isLessThan(3 * MIB);
  }

  @Test
  @Tag("soak")
  void tensorLeftBehindByEachOfFiveHundredStepsIsNoticed() throws Exception {
    assertThat(growth(resident(recipe(500, 50), Keeping.A_TENSOR))).isGreaterThan(20 * MIB);
  }
}
