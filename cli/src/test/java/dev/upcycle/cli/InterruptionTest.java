package dev.upcycle.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.recipe.Recipes;
import dev.upcycle.sample.TinyModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Kills the packaged program in the middle of a conversion.
@Tag("process")
class InterruptionTest {
  private static final long SEED = 20_260_101;

  @TempDir private static Path shared;
  private static Distribution distribution;
  private static Path model;
  private static SortedMap<String, String> whole;
  private static long millis;

  @TempDir private Path folder;

  @BeforeAll
  static void convertWithoutInterruption() throws Exception {
    distribution = Distribution.unpack(shared.resolve("upcycle"));
    model = shared.resolve("model");
    TinyModel.write(
        Recipes.resolve(Recipes.text("mistral-8x2", shared), List.of(), Map.of()).recipe(), model);
    distribution.run(shared, "--version");
    long start = System.nanoTime();
    Distribution.Outcome outcome =
        distribution.run(shared, Map.of(), convert(shared.resolve("whole")));
    millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
    assertThat(outcome.code()).describedAs(outcome.err()).isZero();
    whole = hashes(shared.resolve("whole"));
  }

  @Test
  void resumeAfterFiveKillsGivesTheBytesOfAnUninterruptedRun() throws Exception {
    killAndResume(5);
  }

  @Test
  @Tag("soak")
  void resumeAfterFiftyKillsGivesTheBytesOfAnUninterruptedRun() throws Exception {
    killAndResume(50);
  }

  @Test
  void terminationExitsWith130AndCanBeResumed() throws Exception {
    Path out = folder.resolve("out-model");
    Process process = distribution.start(folder, Map.of(), convert(out));
    Thread.sleep(millis / 2);
    process.destroy();
    process.waitFor();

    // The signal may come after the end of so short a run.
    assertThat(process.exitValue()).isIn(0, 130);
    if (process.exitValue() == 130) {
      assertThat(Files.readString(folder.resolve("err"))).contains("--resume");
      assertLooksLikeNoCheckpoint(out);
      resume(out);
    }
    assertThat(hashes(out)).isEqualTo(whole);
  }

  private void killAndResume(int kills) throws Exception {
    Random random = new Random(SEED);
    for (int kill = 0; kill < kills; kill++) {
      Path out = folder.resolve("out-model-" + kill);
      long moment = random.nextLong(millis + 1);
      Process process = distribution.start(folder, Map.of(), convert(out));
      Thread.sleep(moment);
      process.destroyForcibly().waitFor();
      if (Files.notExists(out)) {
        assertLooksLikeNoCheckpoint(out);
        resume(out);
      }
      assertThat(hashes(out))
          .describedAs("killed after " + moment + " of " + millis + " ms, seed " + SEED)
          .isEqualTo(whole);
    }
  }

  private void resume(Path out) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(convert(out));
    command.add("--resume");
    Distribution.Outcome outcome = distribution.run(folder, Map.of(), command);
    assertThat(outcome.code()).describedAs(outcome.err()).isZero();
  }

  private static List<String> convert(Path out) {
    return List.of(
        "convert",
        "mistral-8x2",
        "--model",
        model.toString(),
        "--out",
        out.toString(),
        "--max-shard-size",
        "20KB");
  }

  // Neither OUT itself nor what lies beside it may be taken for a finished model.
  private static void assertLooksLikeNoCheckpoint(Path out) throws IOException {
    assertThat(out).doesNotExist();
    Path partial = out.resolveSibling(out.getFileName() + ".partial");
    assertThat(partial.resolve("model.safetensors.index.json")).doesNotExist();
    assertThat(partial.resolve("model.safetensors")).doesNotExist();
  }

  private static SortedMap<String, String> hashes(Path directory) throws Exception {
    SortedMap<String, String> hashes = new TreeMap<>();
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.toList()) {
        byte[] digest = MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file));
        hashes.put(file.getFileName().toString(), HexFormat.of().formatHex(digest));
      }
    }
    return hashes;
  }
}
