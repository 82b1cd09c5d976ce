package dev.upcycle.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.upcycle.bench.StepMemoryProbe.Keeping;
import dev.upcycle.fixtures.ChildJvm;
import dev.upcycle.fixtures.ResidentBytes;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Training steps of a whole model leave nothing behind.
class StepMemoryTest {
  private static final long MIB = 1 << 20;

  @TempDir private Path folder;

  @BeforeEach
  void onlyLinuxTellsResidentMemoryThisWay() {
    assumeTrue(Files.exists(ResidentBytes.STATUS));
  }

  /// In a process whose Java heap does not grow and whose freed blocks go back to the system.
  private long growth(String dtype, Keeping keeping) throws IOException, InterruptedException {
    ProcessBuilder builder =
        new ProcessBuilder(
            ChildJvm.command(
                StepMemoryProbe.class,
                List.of("-Xms64m", "-Xmx64m", "-XX:+AlwaysPreTouch"),
                List.of(folder.resolve("model").toString(), dtype, keeping.name())));
    builder.environment().put("MALLOC_ARENA_MAX", "1");
    builder.environment().put("MALLOC_MMAP_THRESHOLD_", "65536");
    Path said = folder.resolve("said");
    Process process = builder.redirectError(said.toFile()).start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).describedAs(Files.readString(said)).isZero();
    return Long.parseLong(out.strip());
  }

  @ParameterizedTest
  @ValueSource(strings = {"f32", "bf16"})
  void residentMemoryStaysFlatOverThreeHundredTrainingSteps(String dtype) throws Exception {
    assertThat(growth(dtype, Keeping.NOTHING)).isLessThan(8 * MIB);
  }

  @Test
  void hiddenStateKeptFromEachStepWithItsGraphIsNoticed() throws Exception {
    assertThat(growth("f32", Keeping.A_HIDDEN_STATE)).isGreaterThan(100 * MIB);
  }
}
