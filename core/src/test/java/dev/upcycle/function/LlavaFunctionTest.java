package dev.upcycle.function;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.function.FunctionVerifier.Expectation;
import dev.upcycle.function.FunctionVerifier.Question;
import dev.upcycle.model.EditedModel;
import dev.upcycle.recipe.RecipeText;
import dev.upcycle.recipe.Recipes;
import dev.upcycle.recipe.ResolvedRecipe;
import dev.upcycle.sample.TinyModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Converted LLaVAs beside what they were made from.
class LlavaFunctionTest {
  /// Of a layer of equal experts against the dense one.
  private static final double EQUAL = 1e-6;

  private static final RecipeText MIXTRAL_INSIDE =
      new RecipeText(
          "mixtral-inside",
          """
          recipe: 1
          name: mixtral-inside
          source: {language: mistral, vision: clip, connector: mlp}
          target: llava
          language: {experts: {count: 4, per_token: 2}, router: {init: {kind: torch_linear}}}
          """);

  @TempDir Path folder;

  private static ResolvedRecipe recipe(RecipeText text, String... sets) {
    return Conversions.recipe(text, sets);
  }

  private static RecipeText shipped(String name) {
    return Recipes.text(name, Path.of(""));
  }

  private Checkpoint dense(ResolvedRecipe recipe) {
    TinyModel.write(recipe.recipe(), folder.resolve("dense"));
    return Checkpoint.open(folder.resolve("dense"));
  }

  private Checkpoint convert(Checkpoint dense, ResolvedRecipe recipe) {
    return Conversions.convert(dense, recipe, folder.resolve("moe"));
  }

  private static FunctionReport verify(Checkpoint dense, Checkpoint target)
      throws InterruptedException {
    assertThat(FunctionVerifier.obstacle(dense, target)).isEmpty();
    return FunctionVerifier.verify(
        dense, target, new Question(Expectation.CONVERTED, List.of()), (done, total) -> {});
  }

  private static void preserves(FunctionReport report) {
    assertThat(report.whyNotJudged()).isEmpty();
    assertThat(report.failures()).isEmpty();
    assertThat(report.layers())
        .allSatisfy(
            layer -> assertThat(layer.errors().alone()).as(layer.toString()).isLessThan(EQUAL));
    assertThat(report.results())
        .extracting(FunctionReport.Result::name)
        .containsExactly("image embeddings", "features", "spliced embeddings", "logits");
    assertThat(report.findControl())
        .hasValueSatisfying(
            control -> assertThat(control.error()).isGreaterThan(100 * report.bound()));
  }

  @ParameterizedTest
  @CsvSource({
    "cumo-mistral-7b, llava_mistral, 1",
    "cumo-mistral-7b, llava_mistral, 2",
    "cumo-mistral-7b, llava_mistral, 3",
    "cumo-mistral-4x7b, llava_mixtral, 1",
    "cumo-mistral-4x7b, llava_mixtral, 2",
    "cumo-mistral-4x7b, llava_mixtral, 3",
    "moe-llava-1.5-7b, llava_moe, 1",
    "moe-llava-1.5-7b, llava_moe, 2",
    "moe-llava-1.5-7b, llava_moe, 3"
  })
  void aShippedRecipeKeepsTheFunctionForAnyRouter(String name, String type, long seed)
      throws InterruptedException {
    ResolvedRecipe recipe = recipe(shipped(name), "seed=" + seed);
    Checkpoint dense = dense(recipe);
    Checkpoint target = convert(dense, recipe);
    assertThat(target.config().modelType()).isEqualTo(type);
    preserves(verify(dense, target));
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama", "mistral"})
  void someLayersOfADecoderMayHaveExperts(String language) throws InterruptedException {
    ResolvedRecipe recipe =
        recipe(
            shipped("moe-llava-1.5-7b"),
            "source.language=" + language,
            "language.layers={every: 2, offset: 1}");
    Checkpoint dense = dense(recipe);
    Checkpoint target = convert(dense, recipe);
    assertThat(target.tensors().keySet())
        .contains("language_model.model.layers.0.mlp.gate_proj.weight")
        .contains("language_model.model.layers.1.mlp.experts.3.gate_proj.weight");
    FunctionReport report = verify(dense, target);
    preserves(report);
    assertThat(report.findControl())
        .hasValueSatisfying(
            control -> assertThat(control.place().name()).isEqualTo("language layer 1"));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void aMixtralInsideALlavaKeepsTheFunction(long seed) throws InterruptedException {
    ResolvedRecipe recipe = recipe(MIXTRAL_INSIDE, "seed=" + seed);
    Checkpoint dense = dense(recipe);
    Checkpoint target = convert(dense, recipe);
    assertThat(target.config().findString("model_type")).contains("llava");
    preserves(verify(dense, target));
  }

  @Test
  void everyPartOfCumosOwnFormIsWalked() throws InterruptedException {
    ResolvedRecipe recipe = recipe(shipped("cumo-mistral-4x7b"));
    Checkpoint dense = dense(recipe);
    FunctionReport report = verify(dense, convert(dense, recipe));
    assertThat(report.layers())
        .extracting(layer -> layer.place().name())
        .containsExactly("vision layer 0", "connector", "language layer 0", "language layer 1");
  }

  @Test
  void aWrongWeightOfCumosTowerIsCaughtAndItsLayerNamed() throws IOException, InterruptedException {
    ResolvedRecipe recipe = recipe(shipped("cumo-mistral-7b"));
    Checkpoint dense = dense(recipe);
    Checkpoint target = convert(dense, recipe);
    String start = "model.vision_tower.vision_model.encoder.layers.0.";
    EditedModel.of(target)
        .swapped(start + "self_attn.q_proj.weight", start + "self_attn.k_proj.weight")
        .write(target.directory());
    FunctionReport report = verify(dense, Checkpoint.open(target.directory()));
    assertThat(report.passed()).isFalse();
    assertThat(report.firstParting())
        .hasValueSatisfying(layer -> assertThat(layer.place().name()).isEqualTo("vision layer 0"));
  }
}
