package dev.upcycle.function;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.function.FunctionVerifier.Expectation;
import dev.upcycle.function.FunctionVerifier.Obstacle;
import dev.upcycle.function.FunctionVerifier.Question;
import dev.upcycle.model.EditedModel;
import dev.upcycle.model.GoldenCase;
import dev.upcycle.model.Mixtures;
import dev.upcycle.recipe.Part;
import dev.upcycle.recipe.RecipeText;
import dev.upcycle.recipe.ResolvedRecipe;
import dev.upcycle.sample.TinyModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Image towers, CLIP, connectors and LLaVA beside what they were made from.
class TowerFunctionTest {
  /// Of a layer of equal experts against the dense one.
  private static final double EQUAL = 1e-6;

  private static final RecipeText BOTH_TOWERS =
      new RecipeText(
          "siglip-both",
          """
          recipe: 1
          name: siglip-both
          source: {vision: siglip, language: siglip_text}
          vision: {experts: {count: 4, per_token: 2}, router: {init: {kind: torch_linear}}}
          language: {experts: {count: 4, per_token: 2}, router: {init: {kind: torch_linear}}}
          """);

  @TempDir Path folder;

  private static ResolvedRecipe recipe(String name, String... sets) {
    return Conversions.recipe(name, sets);
  }

  private Checkpoint convert(Checkpoint dense, ResolvedRecipe recipe) {
    return Conversions.convert(dense, recipe, folder.resolve("moe"));
  }

  private static FunctionReport verify(Checkpoint dense, Checkpoint target, Expectation expectation)
      throws InterruptedException {
    assertThat(FunctionVerifier.obstacle(dense, target)).isEmpty();
    return FunctionVerifier.verify(
        dense, target, new Question(expectation, List.of()), (done, total) -> {});
  }

  private static void preserves(FunctionReport report) {
    assertThat(report.failures()).isEmpty();
    assertThat(report.whyNotJudged()).isEmpty();
    assertThat(report.layers())
        .allSatisfy(
            layer -> assertThat(layer.errors().alone()).as(layer.toString()).isLessThan(EQUAL));
    assertThat(report.findControl())
        .hasValueSatisfying(
            control -> assertThat(control.error()).isGreaterThan(100 * report.bound()));
  }

  @ParameterizedTest
  @CsvSource({
    "clip-vision, clip-vit-4x2, 1", "clip-vision, clip-vit-4x2, 2", "clip-vision, clip-vit-4x2, 3",
    "siglip-vision, siglip-4x2, 1", "siglip-vision, siglip-4x2, 2", "siglip-vision, siglip-4x2, 3",
    "vit, vit-4x2, 1", "vit, vit-4x2, 2", "vit, vit-4x2, 3"
  })
  void aConvertedTowerKeepsItsFunctionForAnyRouter(String name, String recipe, long seed)
      throws InterruptedException {
    Checkpoint dense = GoldenCase.vision(name).checkpoint();
    FunctionReport report =
        verify(dense, convert(dense, recipe(recipe, "seed=" + seed)), Expectation.CONVERTED);
    preserves(report);
    assertThat(report.inputs())
        .isEqualTo(new FunctionReport.Inputs(0, 2, FunctionReport.Inputs.Origin.NOISE));
    assertThat(report.results())
        .extracting(FunctionReport.Result::name)
        .containsExactly("embeddings", "states", "pooled");
  }

  @Test
  void aTowerWithoutAHeadIsComparedByItsStates() throws InterruptedException {
    Checkpoint dense = GoldenCase.vision("siglip-vision-headless").checkpoint();
    FunctionReport report =
        verify(dense, convert(dense, recipe("siglip-4x2")), Expectation.CONVERTED);
    preserves(report);
    assertThat(report.results())
        .extracting(FunctionReport.Result::name)
        .containsExactly("embeddings", "states");
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void bothTowersOfAClipKeepTheirFunction(long seed) throws InterruptedException {
    Checkpoint dense = GoldenCase.vision("clip").checkpoint();
    FunctionReport report =
        verify(dense, convert(dense, recipe("clip-up-b16", "seed=" + seed)), Expectation.CONVERTED);
    preserves(report);
    assertThat(report.results())
        .extracting(FunctionReport.Result::name)
        .containsExactly(
            "image embeddings", "text embeddings", "image vectors", "text vectors", "logits");
    assertThat(report.layers())
        .extracting(layer -> layer.place().name())
        .contains("vision layer 0", "language layer 1");
    assertThat(report.inputs().tokens()).isPositive();
  }

  @ParameterizedTest
  @CsvSource({"siglip-4x2, 1", "siglip-4x2, 2", "both, 1", "both, 2"})
  void bothTowersOfASiglipKeepTheirFunction(String name, long seed) throws InterruptedException {
    Checkpoint dense = GoldenCase.vision("siglip").checkpoint();
    ResolvedRecipe recipe =
        name.equals("both")
            ? Conversions.recipe(BOTH_TOWERS, "seed=" + seed)
            : recipe(name, "seed=" + seed);
    FunctionReport report = verify(dense, convert(dense, recipe), Expectation.CONVERTED);
    preserves(report);
    assertThat(report.results())
        .extracting(FunctionReport.Result::name)
        .containsExactly(
            "image embeddings", "text embeddings", "image vectors", "text vectors", "logits");
    assertThat(report.layers())
        .filteredOn(layer -> layer.findExperts().isPresent())
        .hasSize(name.equals("both") ? 5 : 3);
  }

  @ParameterizedTest
  @CsvSource({
    "text_model.head.weight, text vectors",
    "text_model.embeddings.position_embedding.weight, text embeddings",
    "vision_model.head.probe, image vectors",
    "logit_bias, logits"
  })
  void wrongWeightBesideASiglipsLayersIsCaughtAndNamed(String tensor, String subject)
      throws IOException, InterruptedException {
    Checkpoint dense = GoldenCase.vision("siglip").checkpoint();
    Checkpoint converted = convert(dense, recipe("siglip-4x2"));
    EditedModel.of(converted).signFlipped(tensor, 0).write(converted.directory());
    FunctionReport report =
        verify(dense, Checkpoint.open(converted.directory()), Expectation.CONVERTED);
    assertThat(report.failures())
        .extracting(FunctionReport.Failure::subject)
        .first()
        .isEqualTo(subject);
  }

  @Test
  void siglipWhoseImageTowerHasNoHeadIsRefusedByItsKey() throws IOException {
    EditedModel model = EditedModel.of(GoldenCase.vision("siglip").checkpoint());
    String vision = model.config("vision_config").toString();
    Checkpoint headless =
        model
            .config(
                "vision_config",
                vision.replace("\"vision_use_head\":true", "\"vision_use_head\":false"))
            .write(folder.resolve("headless"));
    assertThat(FunctionVerifier.obstacle(headless, headless))
        .hasValueSatisfying(obstacle -> {
          assertThat(obstacle.cause()).isEqualTo(Obstacle.Cause.MODELS);
          assertThat(obstacle.message()).contains("vision_use_head", "headless is false");
        });
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void aConnectorKeepsItsFunction(long seed) throws InterruptedException {
    ResolvedRecipe recipe = recipe("connector-4x2", "seed=" + seed);
    TinyModel.write(recipe.recipe(), folder.resolve("dense"));
    Checkpoint dense = Checkpoint.open(folder.resolve("dense"));
    FunctionReport report = verify(dense, convert(dense, recipe), Expectation.CONVERTED);
    preserves(report);
    assertThat(report.layers())
        .singleElement()
        .satisfies(layer -> assertThat(layer.place().name()).isEqualTo("connector"));
  }

  private static EditedModel llavaMixture(EditedModel dense, long seed) {
    String vision = dense.config("vision_config").toString();
    return Mixtures.connector(Mixtures.tower(dense, "vision_tower.vision_model.", seed), seed + 1)
        .config(
            "vision_config",
            vision
                .replace("clip_vision_model", "clip_moe_vision_model")
                .replaceFirst(
                    "\\{",
                    "{\"num_experts\": 4, \"num_experts_per_tok\": 2, \"moe_layers\": [0, 1, 2],"));
  }

  private static EditedModel denseLlava(String name) {
    EditedModel model = EditedModel.of(GoldenCase.vision(name).checkpoint());
    if (name.equals("llava")) {
      return model;
    }
    String vision = model.config("vision_config").toString();
    return Mixtures.undone(model)
        .config("model_type", "\"llava\"")
        .config("projector_num_experts", "0")
        .config(
            "vision_config",
            vision
                .replace("clip_moe_vision_model", "clip_vision_model")
                .replace("\"num_experts\":4,", ""));
  }

  @ParameterizedTest
  @CsvSource({"llava, 1", "llava, 2", "llava, 3", "llava-moe, 1", "llava-moe, 2", "llava-moe, 3"})
  void aLlavaOfEqualExpertsComputesWhatTheDenseOneDoes(String name, long seed)
      throws IOException, InterruptedException {
    Checkpoint dense = denseLlava(name).write(folder.resolve("dense"));
    Checkpoint target = llavaMixture(denseLlava(name), seed).write(folder.resolve("target"));
    FunctionReport report = verify(dense, target, Expectation.TRAINED);
    assertThat(report.layers())
        .allSatisfy(
            layer -> assertThat(layer.errors().alone()).as(layer.toString()).isLessThan(EQUAL));
    assertThat(report.layers())
        .extracting(layer -> layer.place().name())
        .containsExactly(
            "vision layer 0",
            "vision layer 1",
            "connector",
            "language layer 0",
            "language layer 1");
    assertThat(report.results())
        .extracting(FunctionReport.Result::name)
        .containsExactly("image embeddings", "features", "spliced embeddings", "logits");
    assertThat(report.results())
        .allSatisfy(result ->
            assertThat(result.errors().accumulated())
                .isLessThanOrEqualTo(report.limit(result.errors())));
    assertThat(report.findLoss()).isPresent();
  }

  @Test
  void aWrongWeightOfATowerIsCaughtAndItsLayerNamed() throws IOException, InterruptedException {
    Checkpoint dense = denseLlava("llava").write(folder.resolve("dense"));
    Checkpoint target =
        llavaMixture(denseLlava("llava"), 1)
            .signFlipped("vision_tower.vision_model.encoder.layers.1.self_attn.q_proj.weight", 5)
            .write(folder.resolve("target"));
    FunctionReport report = verify(dense, target, Expectation.TRAINED);
    assertThat(report.firstParting())
        .hasValueSatisfying(layer ->
            assertThat(layer.place())
                .isEqualTo(new FunctionReport.Place(Optional.of(Part.VISION), 1)));
    assertThat(report.layers().getLast().errors().alone())
        .describedAs("the decoder reads wrong images and computes rightly")
        .isLessThan(EQUAL);
    assertThat(report.results())
        .filteredOn(result -> !result.name().equals("image embeddings"))
        .hasSize(3)
        .allSatisfy(
            result -> assertThat(result.errors().accumulated()).isGreaterThan(report.bound()));
  }

  @Test
  void aWrongWeightOfAConnectorIsCaught() throws IOException, InterruptedException {
    Checkpoint dense = denseLlava("llava").write(folder.resolve("dense"));
    Checkpoint target =
        llavaMixture(denseLlava("llava"), 1)
            .signFlipped("multi_modal_projector.experts.0.linear_1.weight", 5)
            .signFlipped("multi_modal_projector.experts.1.linear_1.weight", 5)
            .signFlipped("multi_modal_projector.experts.2.linear_1.weight", 5)
            .write(folder.resolve("target"));
    FunctionReport report = verify(dense, target, Expectation.TRAINED);
    assertThat(report.firstParting())
        .hasValueSatisfying(layer -> assertThat(layer.place().name()).isEqualTo("connector"));
  }

  @Test
  void modelsOfTwoKindsAreNotCompared() {
    Checkpoint tower = GoldenCase.vision("clip-vision").checkpoint();
    Checkpoint clip = GoldenCase.vision("clip").checkpoint();
    assertThat(FunctionVerifier.obstacle(tower, clip))
        .contains(
            new Obstacle(
                Obstacle.Cause.MODELS,
                "a clip compares images with texts, the dense model is an image tower"));
  }

  @Test
  void modelsThatKeepPlacesForImagesOtherwiseAreNotCompared() throws IOException {
    Checkpoint dense = GoldenCase.vision("llava").checkpoint();
    Checkpoint other =
        EditedModel.of(dense).config("image_token_index", "5").write(folder.resolve("other"));
    assertThat(FunctionVerifier.obstacle(dense, other))
        .contains(new Obstacle(Obstacle.Cause.MODELS, "image token is 5, the dense model's 60"));
  }
}
