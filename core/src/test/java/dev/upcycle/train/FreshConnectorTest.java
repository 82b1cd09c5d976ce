package dev.upcycle.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.checkpoint.write.OutputException;
import dev.upcycle.recipe.Part;
import dev.upcycle.recipe.RecipeText;
import dev.upcycle.recipe.Recipes;
import dev.upcycle.recipe.ResolvedRecipe;
import dev.upcycle.recipe.Setting;
import dev.upcycle.sample.SyntheticModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// Runs of an image tower and a decoder that nothing stands between yet.
class FreshConnectorTest {
  private static final String VISION =
      """
      {"model_type": "clip_vision_model", "hidden_size": 32, "intermediate_size": 64,
       "num_hidden_layers": 2, "num_attention_heads": 4, "image_size": 28, "patch_size": 7,
       "hidden_act": "quick_gelu", "torch_dtype": "bfloat16"}
      """;
  private static final String LANGUAGE =
      """
      {"model_type": "mistral", "vocab_size": 64, "hidden_size": 48, "intermediate_size": 64,
       "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 12,
       "max_position_embeddings": 128, "torch_dtype": "bfloat16"}
      """;

  @TempDir private Path folder;
  private Map<Part, Path> parts = Map.of();

  @BeforeEach
  void write() {
    parts = Map.of(Part.VISION, model("vision", VISION), Part.LANGUAGE, model("mistral", LANGUAGE));
  }

  private Path model(String name, String config) {
    Path out = folder.resolve(name);
    ObjectNode json = (ObjectNode) JsonMapper.shared().readTree(config);
    new SyntheticModel(ModelConfig.of(json), Long.MAX_VALUE).write(out);
    return out;
  }

  private ResolvedRecipe recipe(String... settings) {
    String yaml = "recipe: 1\nvision: {scales: [1, 3], experts: {count: 4}}\n";
    List<Setting> given = Arrays.stream(settings).map(Setting::parse).toList();
    return Recipes.resolve(new RecipeText("mine.yaml", yaml, Optional.of(folder)), given, Map.of());
  }

  private Checkpoint begin(String run, TrainRun.Mode mode, String... settings) {
    return TrainRun.withFreshConnector(parts, recipe(settings), folder.resolve(run), mode);
  }

  private byte[] drawn(String run) throws IOException {
    return Files.readAllBytes(folder.resolve(run).resolve("connector.safetensors"));
  }

  @Test
  void theConnectorIsAsWideAsTheScalesAndTheDecoder() {
    Checkpoint model = begin("run", TrainRun.Mode.FRESH);
    assertThat(model.config().modelType()).isEqualTo("llava");
    assertThat(model.tensors().values().stream().filter(t -> t.name().contains("projector")))
        .extracting(entry -> entry.shape().dimensions())
        .containsExactlyInAnyOrder(
            List.of(48L, 64L), List.of(48L), List.of(48L, 48L), List.of(48L));
  }

  @Test
  void equalSeedsDrawEqualConnectors() throws IOException {
    begin("one", TrainRun.Mode.FRESH);
    begin("two", TrainRun.Mode.FRESH);
    begin("other", TrainRun.Mode.FRESH, "seed=7");
    begin("one", TrainRun.Mode.RESUME);
    assertThat(drawn("two")).isEqualTo(drawn("one")).isNotEqualTo(drawn("other"));
  }

  @Test
  void nothingIsDrawnIntoAFolderThatHoldsSomethingElse() throws IOException {
    Path taken = Files.createDirectory(folder.resolve("taken"));
    Files.writeString(taken.resolve("notes.txt"), "mine");
    assertThatThrownBy(() -> begin("taken", TrainRun.Mode.FRESH))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("notes.txt");
    assertThat(taken).isDirectoryNotContaining("glob:**connector*");
  }
}
