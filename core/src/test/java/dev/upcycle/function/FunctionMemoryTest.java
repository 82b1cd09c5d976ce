package dev.upcycle.function;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.upcycle.bench.ResidentMemory;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.fixtures.ChildJvm;
import dev.upcycle.function.FunctionMemoryProbe.Reading;
import dev.upcycle.sample.SyntheticModel;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Predicate;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// Models larger than memory are compared a layer of each at a time.
class FunctionMemoryTest {
  private static final long MIB = 1 << 20;

  /// What a comparison may have resident beside a layer of each model in float32.
  private static final long BESIDE_LAYERS = 600 * MIB;

  private static final String CONFIG =
      """
      {"architectures": ["MistralForCausalLM"], "model_type": "mistral", "vocab_size": 32768,
       "num_attention_heads": 8, "num_key_value_heads": 8, "hidden_act": "silu",
       "max_position_embeddings": 128, "rms_norm_eps": 1e-5, "sliding_window": null,
       "tie_word_embeddings": false, "rope_theta": 10000.0, "torch_dtype": "bfloat16"}
      """;

  @TempDir private Path folder;

  @BeforeEach
  void onlyLinuxTellsResidentMemoryThisWay() {
    assumeTrue(ResidentMemory.peakBytes().isPresent());
  }

  /// A dense model and its target.
  private record Pair(Checkpoint dense, Checkpoint target) {
    /// The most that comparing them may have resident.
    long bound() {
      return BESIDE_LAYERS + layerBytes(dense) + layerBytes(target);
    }

    static long layerBytes(Checkpoint model) {
      return bytes(model, name -> name.startsWith("model.layers.0."));
    }

    /// What tensors of a model take in float32.
    static long bytes(Checkpoint model, Predicate<String> names) {
      return model.tensors().values().stream()
          .filter(tensor -> names.test(tensor.name()))
          .map(TensorEntry::shape)
          .mapToLong(shape -> shape.elements() * Float.BYTES)
          .sum();
    }
  }

  private Pair pair(int layers, int hidden, int intermediate, String recipe) {
    ObjectNode config = (ObjectNode) JsonMapper.shared().readTree(CONFIG);
    config.put("num_hidden_layers", layers);
    config.put("hidden_size", hidden);
    config.put("intermediate_size", intermediate);
    new SyntheticModel(ModelConfig.of(config), Long.MAX_VALUE).write(folder.resolve("dense"));
    Checkpoint dense = Checkpoint.open(folder.resolve("dense"));
    Path out = folder.resolve("target");
    return new Pair(dense, Conversions.convert(dense, Conversions.recipe(recipe), out));
  }

  /// More layers than the bound has room for.
  private Pair deep() {
    Pair pair = pair(8, 512, 4096, "mistral-4x2");
    assertThat(Pair.bytes(pair.target(), _ -> true)).isGreaterThan(pair.bound());
    return pair;
  }

  /// Layers of which the bound has no room for one more, since LibTorch and the virtual machine are
  /// over 200 MiB.
  private Pair wide() {
    Pair pair = pair(3, 1024, 5632, "mistral-8x2");
    assertThat(Pair.layerBytes(pair.target())).isGreaterThan(BESIDE_LAYERS - 200 * MIB);
    assertThat(Pair.bytes(pair.target(), _ -> true)).isGreaterThan(pair.bound());
    return pair;
  }

  /// Of a process of its own with the launcher's flags.
  private long peak(Reading reading, Pair pair) throws IOException, InterruptedException {
    ProcessBuilder builder =
        new ProcessBuilder(
            ChildJvm.command(
                FunctionMemoryProbe.class,
                List.of("--sun-misc-unsafe-memory-access=allow", "-Xmx512m", "-Xmn16m"),
                List.of(
                    reading.name(),
                    pair.dense().directory().toString(),
                    pair.target().directory().toString())));
    Path said = folder.resolve("said");
    Process process = builder.redirectError(said.toFile()).start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).describedAs(Files.readString(said)).isZero();
    return Long.parseLong(out.strip());
  }

  @Test
  void layerOfEachAndSixHundredMebibytesSufficeForDeepModels() throws Exception {
    Pair pair = deep();

    assertThat(peak(Reading.SIDE_BY_SIDE, pair)).isLessThan(pair.bound());
  }

  @Test
  void targetHeldWholeIsNoticed() throws Exception {
    Pair pair = deep();

    assertThat(peak(Reading.WHOLE, pair)).isGreaterThan(pair.bound());
  }

  @Test
  @Tag("soak")
  void noLayerIsInMemoryTwice() throws Exception {
    Pair pair = wide();

    assertThat(peak(Reading.SIDE_BY_SIDE, pair)).isLessThan(pair.bound());
  }
}
