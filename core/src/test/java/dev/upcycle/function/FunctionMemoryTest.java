package dev.upcycle.function;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.sample.SyntheticModel;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// Models larger than memory are compared a layer at a time.
class FunctionMemoryTest {
  private static final long MIB = 1 << 20;
  private static final int LAYERS = 12;
  private static final String CONFIG =
      """
      {"architectures": ["MistralForCausalLM"], "model_type": "mistral", "vocab_size": 512,
       "hidden_size": 512, "intermediate_size": 4096, "num_hidden_layers": LAYERS,
       "num_attention_heads": 8, "num_key_value_heads": 8, "head_dim": 64, "hidden_act": "silu",
       "max_position_embeddings": 128, "rms_norm_eps": 1e-5, "sliding_window": null,
       "tie_word_embeddings": false, "rope_theta": 10000.0, "torch_dtype": "bfloat16"}
      """;

  @TempDir Path folder;

  private Checkpoint dense() {
    ObjectNode json =
        (ObjectNode) JsonMapper.shared().readTree(CONFIG.replace("LAYERS", String.valueOf(LAYERS)));
    new SyntheticModel(ModelConfig.of(json), Long.MAX_VALUE).write(folder.resolve("dense"));
    return Checkpoint.open(folder.resolve("dense"));
  }

  /// What a layer takes in float32.
  private static long layerBytes(Checkpoint checkpoint) {
    long elements =
        checkpoint.tensors().values().stream()
            .filter(tensor -> tensor.name().startsWith("model.layers.0."))
            .mapToLong(tensor -> tensor.shape().elements())
            .sum();
    return elements * Float.BYTES;
  }

  /// In a process of its own with the launcher's flags.
  private long peak(Checkpoint dense, Checkpoint target) throws IOException, InterruptedException {
    ProcessBuilder builder =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "--enable-native-access=ALL-UNNAMED",
            "-Dorg.bytedeco.javacpp.maxphysicalbytes=0",
            "-Xmx512m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-cp",
            System.getProperty("java.class.path"),
            FunctionMemoryProbe.class.getName(),
            dense.directory().toString(),
            target.directory().toString());
    Path said = folder.resolve("said");
    Process process = builder.redirectError(said.toFile()).start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).describedAs(Files.readString(said)).isZero();
    return Long.parseLong(out.strip());
  }

  @Test
  void twoLayersAndSixHundredMebibytesSufficeForModelsOfAnyDepth() throws Exception {
    assumeTrue(Files.exists(FunctionMemoryProbe.STATUS));
    Checkpoint dense = dense();
    Checkpoint target =
        Conversions.convert(dense, Conversions.recipe("mistral-4x2"), folder.resolve("moe"));
    long pair = layerBytes(dense) + layerBytes(target);
    assertThat(layerBytes(target)).isGreaterThan(99 * MIB);

    long peak = peak(dense, target);

    assertThat(LAYERS * pair).describedAs("both models").isGreaterThan(2 * (600 * MIB + pair));
    assertThat(peak).isLessThan(600 * MIB + pair);
  }
}
