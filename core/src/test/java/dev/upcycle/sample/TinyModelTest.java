package dev.upcycle.sample;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.recipe.Origin;
import dev.upcycle.recipe.Recipe;
import dev.upcycle.recipe.RecipeText;
import dev.upcycle.recipe.Recipes;
import dev.upcycle.recipe.Setting;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TinyModelTest {
  @TempDir Path directory;

  @Test
  void itIsOfTheFamilyThatTheRecipeNames() {
    Checkpoint made = make(recipe("llama-8x2"), "tiny");

    assertThat(made.config().modelType()).isEqualTo("llama");
    assertThat(made.require("model.layers.1.mlp.gate_proj.weight").shape().dimensions())
        .containsExactly(96L, 64L);
  }

  @Test
  void aRecipeThatTakesAnyFamilyGetsOne() {
    String yaml =
        Recipes.text("llama-8x2", directory).yaml().replace("language: llama", "language: auto");

    Checkpoint made = make(resolve(new RecipeText("auto.yaml", yaml)), "tiny");

    assertThat(yaml).contains("language: auto");
    assertThat(made.config().modelType()).isEqualTo("llama");
  }

  @Test
  void equalRecipesGiveEqualBytes() throws IOException {
    make(recipe("mistral-4x2"), "one");
    make(recipe("mistral-8x2"), "two");

    assertThat(Golden.hashes(directory.resolve("one")))
        .isEqualTo(Golden.hashes(directory.resolve("two")))
        .hasSize(2);
  }

  @Test
  void moreLayersThanATinyModelHasAreRefusedBeforeAnythingIsWritten() {
    String yaml = Recipes.text("llama-8x2", directory).yaml();
    Recipe recipe =
        Recipes.resolve(
                new RecipeText("tall.yaml", yaml),
                List.of(
                    new Setting(
                        new Origin(Origin.Kind.SET, "--set"),
                        "language.layers",
                        "{range: [0, 90000]}")),
                Map.of())
            .recipe();

    assertThatThrownBy(() -> TinyModel.write(recipe, directory.resolve("tiny")))
        .isInstanceOf(SmokeFailure.class)
        .hasMessageContaining("90000");
    assertThat(directory.resolve("tiny")).doesNotExist();
  }

  @Test
  void theFeedForwardNetworkIsLargeEnoughToMatter() {
    Checkpoint made = make(recipe("llama-8x2"), "tiny");

    assertThat(rms(made, "model.layers.0.mlp.down_proj.weight") * Math.sqrt(96))
        .isBetween(1.2, 1.6);
    assertThat(rms(made, "model.norm.weight")).isBetween(0.9, 1.1);
  }

  private static double rms(Checkpoint checkpoint, String name) {
    TensorEntry tensor = checkpoint.require(name);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = checkpoint.map(tensor, arena);
      double squares = 0;
      for (long at = 0; at < bytes.byteSize(); at += Short.BYTES) {
        int bits = bytes.get(ValueLayout.JAVA_SHORT_UNALIGNED, at) << Short.SIZE;
        squares += Math.pow(Float.intBitsToFloat(bits), 2);
      }
      return Math.sqrt(squares / tensor.shape().elements());
    }
  }

  private Checkpoint make(Recipe recipe, String name) {
    Path out = directory.resolve(name);
    TinyModel.write(recipe, out);
    return Checkpoint.open(out);
  }

  private Recipe recipe(String name) {
    return resolve(Recipes.text(name, directory));
  }

  private static Recipe resolve(RecipeText text) {
    return Recipes.resolve(text, List.of(), Map.of()).recipe();
  }
}
