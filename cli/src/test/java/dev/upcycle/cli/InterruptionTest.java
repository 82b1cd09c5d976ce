package dev.upcycle.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.sample.Directories;
import dev.upcycle.sample.SyntheticModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
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
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Ends the packaged program in the middle of a conversion: after it has sealed a first file, and
/// before it is done.
@Tag("process")
class InterruptionTest {
  private static final long SEED = 20_260_101;
  private static final int MOST_TRIES = 20;
  private static final int KILLED = 128 + 9;

  private static final String CONFIG =
      """
      {"architectures": ["MistralForCausalLM"], "model_type": "mistral", "hidden_size": 256,
       "intermediate_size": 704, "num_hidden_layers": 9, "num_attention_heads": 4,
       "num_key_value_heads": 2, "vocab_size": 4000, "hidden_act": "silu",
       "max_position_embeddings": 128, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
       "sliding_window": null, "tie_word_embeddings": false, "torch_dtype": "bfloat16"}
      """;

  @TempDir private static Path shared;
  private static Distribution distribution;
  private static Path model;
  private static SortedMap<String, String> whole;

  /// From the first sealed file to the end, in a run that nothing disturbs.
  private static long millis;

  @TempDir private Path folder;
  private final Random random = new Random(SEED);

  @BeforeAll
  static void convertWithoutInterruption() throws Exception {
    distribution = Distribution.unpack(shared.resolve("upcycle"));
    model = shared.resolve("model");
    Path config = Files.writeString(shared.resolve("config.json"), CONFIG);
    new SyntheticModel(ModelConfig.read(config), 1L << 40).write(model);
    distribution.run(shared, "--version");
    Path out = shared.resolve("whole");
    Process process = distribution.start(shared, Map.of(), convert(out, 1));
    awaitFirstSealedFile(process, out);
    long start = System.nanoTime();
    assertThat(process.waitFor()).isZero();
    millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
    whole = hashes(out);
    assertThat(whole.keySet()).filteredOn(name -> name.startsWith("model-")).hasSizeGreaterThan(9);
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

    int code = endInTheMiddle(out, 2, Process::destroy);

    assertThat(code).isEqualTo(130);
    assertThat(Files.readString(folder.resolve("err"))).contains("--resume");
    assertThat(resume(out, 1).get("kept_files").asInt()).isPositive();
    assertThat(hashes(out)).isEqualTo(whole);
  }

  private void killAndResume(int kills) throws Exception {
    for (int kill = 0; kill < kills; kill++) {
      Path out = folder.resolve("out-model-" + kill);
      assertThat(endInTheMiddle(out, 1 + kill % 2, Process::destroyForcibly)).isEqualTo(KILLED);
      JsonNode result = resume(out, 1 + kill / 2 % 2);
      assertThat(result.get("kept_files").asInt())
          .describedAs("kill " + kill + ", seed " + SEED)
          .isPositive();
      assertThat(hashes(out)).describedAs("kill " + kill + ", seed " + SEED).isEqualTo(whole);
      Directories.delete(out);
    }
  }

  // A run that is done before its end comes is made again with an earlier end.
  private int endInTheMiddle(Path out, int threads, Consumer<Process> end) throws Exception {
    long moment = random.nextLong(millis + 1);
    for (int tries = 0; tries < MOST_TRIES; tries++) {
      Process process = distribution.start(folder, Map.of(), convert(out, threads));
      awaitFirstSealedFile(process, out);
      Thread.sleep(moment);
      end.accept(process);
      int code = process.waitFor();
      if (Files.notExists(out)) {
        assertLooksLikeNoCheckpoint(out);
        return code;
      }
      // A kill between the rename and the tidying up leaves the journal of the finished run.
      Directories.delete(out);
      if (Files.exists(partial(out))) {
        Directories.delete(partial(out));
      }
      moment /= 2;
    }
    throw new AssertionError("every one of " + MOST_TRIES + " runs was done before its end came");
  }

  private static Path partial(Path out) {
    return out.resolveSibling(out.getFileName() + ".partial");
  }

  private static void awaitFirstSealedFile(Process process, Path out) throws Exception {
    Path journal = partial(out).resolve("journal.json");
    while (process.isAlive() && !holdsSealedFile(journal)) {
      Thread.sleep(1);
    }
  }

  private static boolean holdsSealedFile(Path journal) throws IOException {
    try {
      return !JsonMapper.shared().readTree(Files.readString(journal)).path("sealed").isEmpty();
    } catch (NoSuchFileException e) {
      return false;
    }
  }

  private JsonNode resume(Path out, int threads) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(convert(out, threads));
    command.addAll(List.of("--resume", "--json"));
    Distribution.Outcome outcome = distribution.run(folder, Map.of(), command);
    assertThat(outcome.code()).describedAs(outcome.err()).isZero();
    return JsonMapper.shared().readTree(outcome.out());
  }

  private static List<String> convert(Path out, int threads) {
    return List.of(
        "convert",
        "mistral-8x2",
        "--model",
        model.toString(),
        "--out",
        out.toString(),
        "--max-shard-size",
        "8MB",
        "-j",
        Integer.toString(threads));
  }

  // Neither OUT itself nor what lies beside it may be taken for a finished model.
  private static void assertLooksLikeNoCheckpoint(Path out) throws IOException {
    assertThat(out).doesNotExist();
    Path partial = partial(out);
    assertThat(partial.resolve("model.safetensors.index.json")).doesNotExist();
    assertThat(partial.resolve("model.safetensors")).doesNotExist();
    assertThat(partial.resolve("config.json")).doesNotExist();
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
