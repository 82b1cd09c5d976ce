package dev.upcycle.convert;

import static dev.upcycle.convert.Conversions.CONNECTOR;
import static dev.upcycle.convert.Conversions.LANGUAGE;
import static dev.upcycle.convert.Conversions.VISION;
import static dev.upcycle.convert.Conversions.bytes;
import static dev.upcycle.convert.Conversions.edit;
import static dev.upcycle.convert.Conversions.recipe;
import static dev.upcycle.convert.Conversions.verify;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.inspect.Inspection;
import dev.upcycle.inspect.Inspector;
import dev.upcycle.plan.BareSource;
import dev.upcycle.plan.Consumer;
import dev.upcycle.plan.PlanException;
import dev.upcycle.plan.Planner;
import dev.upcycle.plan.UpcyclePlan;
import dev.upcycle.recipe.RecipeException;
import dev.upcycle.recipe.ResolvedRecipe;
import dev.upcycle.sample.TinyModel;
import dev.upcycle.verify.VerifyReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// CuMo's own form: one config, one level before the tower's names, no word of a feed-forward
/// network's place before an expert's.
class CumoConversionTest {
  private static final String TWO_SCALES = "vision.scales=[1, 3]";

  @TempDir Path folder;

  private Path dense(ResolvedRecipe recipe) {
    Path dense = folder.resolve("dense");
    TinyModel.write(recipe.recipe(), dense);
    return dense;
  }

  private Checkpoint convert(Path dense, ResolvedRecipe recipe) {
    return Conversions.convert(dense, recipe, folder.resolve("moe"));
  }

  /// The same model in LLaVA's own form.
  private Path own(Path dense, String tower) throws IOException {
    Path own = folder.resolve("own");
    RenamedModel.write(
        dense,
        own,
        name ->
            tower.equals("model.vision_tower.") && name.contains("post_layernorm")
                ? ""
                : name.replace("vision_tower.", tower)
                    .replace("multi_modal_projector.linear_1", "model.mm_projector.0")
                    .replace("multi_modal_projector.linear_2", "model.mm_projector.2")
                    .replace("language_model.", ""));
    ObjectNode before = Checkpoint.open(dense).config().json();
    ObjectNode json = (ObjectNode) before.path("text_config");
    json.put("model_type", "llava_mistral");
    json.put("mm_projector_type", "mlp2x_gelu");
    json.put("mm_vision_tower", "openai/clip-vit-large-patch14-336");
    json.put("mm_hidden_size", 64);
    json.set("scales", before.path("scales"));
    json.set("vision_config", before.path("vision_config"));
    json.put("torch_dtype", "bfloat16");
    Files.write(own.resolve("config.json"), ModelConfig.of(json).toJson());
    return own;
  }

  @ParameterizedTest
  @CsvSource({"true, true, false", "true, false, false", "false, true, true", "true, true, true"})
  void theReleasedFormConvertsAndVerifies(boolean vision, boolean connector, boolean language) {
    ResolvedRecipe recipe =
        recipe(
            (vision ? VISION : "") + (connector ? CONNECTOR : "") + (language ? LANGUAGE : ""),
            "target=cumo");
    Path dense = dense(recipe);
    Checkpoint moe = convert(dense, recipe);

    assertThat(moe.config().modelType()).isEqualTo(language ? "llava_mixtral" : "llava_mistral");
    assertThat(verify(Optional.of(dense), moe).failures()).isEmpty();
    assertThat(verify(Optional.empty(), moe).failures()).isEmpty();
    assertThat(moe.tensors().keySet())
        .contains(
            vision
                ? "model.vision_tower.vision_model.encoder.layers.1.experts.3.fc2.bias"
                : "model.vision_tower.vision_model.encoder.layers.1.mlp.fc2.bias",
            connector ? "model.mm_projector.experts.3.2.weight" : "model.mm_projector.2.weight",
            language
                ? "model.layers.1.block_sparse_moe.experts.2.w2.weight"
                : "model.layers.1.mlp.down_proj.weight",
            "lm_head.weight")
        .noneMatch(name -> name.contains("post_layernorm"));
  }

  @Test
  void theConfigHoldsWhatCumosLoaderReads() {
    ResolvedRecipe recipe = recipe(VISION + CONNECTOR, TWO_SCALES);
    Checkpoint moe = convert(dense(recipe), recipe);
    ObjectNode json = moe.config().json();

    assertThat(json.path("model_type").asString()).isEqualTo("llava_mistral");
    assertThat(moe.config().strings("architectures")).containsExactly("LlavaMistralForCausalLM");
    assertThat(json.path("training").asBoolean(true)).isFalse();
    assertThat(json.path("scales")).hasToString("[1,3]");
    assertThat(json.path("num_experts").asInt()).isEqualTo(4);
    assertThat(json.path("num_selected").asInt()).isEqualTo(2);
    assertThat(json.path("mlp_smoe").asBoolean()).isTrue();
    assertThat(json.path("clip_smoe").asBoolean()).isTrue();
    assertThat(json.path("dropout").asBoolean(true)).isFalse();
    assertThat(json.path("mm_projector_type").asString()).isEqualTo("smoe_mlp");
    assertThat(json.path("mm_hidden_size").asInt()).isEqualTo(64);
    assertThat(json.path("mm_vision_select_layer").asInt()).isEqualTo(-2);
    assertThat(json.path("balance_loss_coef").asDouble()).isEqualTo(0.1);
    assertThat(json.has("auto_map")).isFalse();
    assertThat(json.has("text_config")).isFalse();
    assertThat(moe.require("model.mm_projector.gate.weight").shape()).hasToString("[4, 128]");
  }

  @Test
  void aTowerWithoutAPublishedNameIsNotSaidToLoad() {
    ResolvedRecipe recipe = recipe(VISION + CONNECTOR, TWO_SCALES);
    Checkpoint source = Checkpoint.open(dense(recipe));
    ResolvedRecipe named =
        recipe(VISION + CONNECTOR, TWO_SCALES, "output.config={mm_vision_tower: ./clip}");

    assertThat(Planner.plan(source, recipe).consumers().getFirst())
        .satisfies(cumo -> {
          assertThat(cumo.loads()).isEqualTo(Consumer.Loads.NO);
          assertThat(cumo.reason()).contains("mm_vision_tower");
        });
    assertThat(cumo(source, named).loads()).isEqualTo(Consumer.Loads.YES);
  }

  private static Consumer cumo(Checkpoint source, ResolvedRecipe recipe) {
    return Planner.plan(source, recipe).consumers().getFirst();
  }

  @ParameterizedTest
  @CsvSource({"false, and not 8x", "true, and 8x"})
  void thePlanSaysWhichFolderNamesChooseTheRightClass(boolean language, String name) {
    ResolvedRecipe recipe =
        recipe(
            VISION + CONNECTOR + (language ? LANGUAGE : ""),
            TWO_SCALES,
            "output.config={mm_vision_tower: ./clip}");
    assertThat(cumo(Checkpoint.open(dense(recipe)), recipe).reason()).endsWith(name);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "head_dim | 8 | takes head_dim as 16, not 8",
        "rope_scaling | {\"rope_type\": \"linear\", \"factor\": 2.0} | ignores rope scaling linear"
      })
  void whatCumosTransformersDoesNotKnowIsNotSaidToLoad(String key, String value, String reason) {
    ResolvedRecipe recipe =
        recipe(VISION + CONNECTOR, TWO_SCALES, "output.config={mm_vision_tower: ./clip}");
    ObjectNode json = Checkpoint.open(dense(recipe)).config().json();
    ObjectNode decoder = (ObjectNode) json.path("text_config");
    decoder.remove("rope_parameters");
    decoder.set(key, JsonMapper.shared().readTree(value));
    UpcyclePlan plan = Planner.plan(BareSource.of(ModelConfig.of(json)), recipe);

    assertThat(plan.consumers().getFirst())
        .satisfies(cumo -> {
          assertThat(cumo.loads()).isEqualTo(Consumer.Loads.NO);
          assertThat(cumo.reason()).contains(reason);
        });
  }

  @Test
  void severalScalesAreSaidToLoadInCumosFormAlone() {
    ResolvedRecipe cumo = recipe(VISION + CONNECTOR, TWO_SCALES);
    Checkpoint source = Checkpoint.open(dense(cumo));
    ResolvedRecipe other = recipe(VISION + CONNECTOR, TWO_SCALES, "target=llava_moe");

    UpcyclePlan plan = Planner.plan(source, other);
    assertThat(plan.consumers())
        .singleElement()
        .satisfies(one -> assertThat(one.loads()).isEqualTo(Consumer.Loads.NO));
    assertThat(plan.notes())
        .filteredOn(note -> note.severity() == UpcyclePlan.Severity.WARNING)
        .extracting(UpcyclePlan.Note::text)
        .singleElement()
        .asString()
        .contains("2 scales [1, 3]", "--set target=cumo");
    assertThat(Planner.plan(source, cumo).notes())
        .noneMatch(note -> note.severity() == UpcyclePlan.Severity.WARNING)
        .extracting(UpcyclePlan.Note::text)
        .anyMatch(note -> note.startsWith("densify of the result gives a llava"));
  }

  @Test
  void nothingIsAdvisedThatTheTargetRefuses() {
    ResolvedRecipe recipe = recipe(VISION + CONNECTOR, TWO_SCALES);

    assertThat(Planner.plan(Checkpoint.open(dense(recipe)), recipe).notes())
        .extracting(UpcyclePlan.Note::text)
        .anyMatch(note -> note.contains("never used, experts or not"))
        .noneMatch(note -> note.contains("except_last"));
  }

  @Test
  void theConnectorsExpertsAreTheDenseConnectorByTheirPlaces() {
    ResolvedRecipe recipe = recipe(VISION + CONNECTOR, "target=cumo");
    Path dense = dense(recipe);
    Checkpoint moe = convert(dense, recipe);
    assertThat(bytes(moe, "model.mm_projector.experts.1.0.weight"))
        .isEqualTo(bytes(Checkpoint.open(dense), "multi_modal_projector.linear_1.weight"));
    assertThat(bytes(moe, "model.mm_projector.experts.2.2.bias"))
        .isEqualTo(bytes(Checkpoint.open(dense), "multi_modal_projector.linear_2.bias"));
  }

  @Test
  void whatCumosTowerLacksIsLeftOutAndSaid() {
    ResolvedRecipe recipe = recipe(CONNECTOR, "target=cumo");
    assertThat(Planner.plan(Checkpoint.open(dense(recipe)), recipe).discarded())
        .extracting(one -> one.name())
        .containsExactlyInAnyOrder(
            "vision_tower.vision_model.post_layernorm.weight",
            "vision_tower.vision_model.post_layernorm.bias");
  }

  @ParameterizedTest
  @ValueSource(strings = {"model.vision_tower.", "model.vision_tower.vision_tower."})
  void llavasOwnNamesAreRead(String tower) throws IOException {
    ResolvedRecipe recipe = recipe(VISION + CONNECTOR, TWO_SCALES);
    Path own = own(dense(recipe), tower);
    Checkpoint moe = convert(own, recipe);

    assertThat(moe.config().modelType()).isEqualTo("llava_mistral");
    assertThat(moe.find("model.vision_tower.vision_model.encoder.layers.0.gate.weight"))
        .isPresent();
    assertThat(verify(Optional.of(own), moe).failures()).isEmpty();
    assertThat(verify(Optional.empty(), moe).failures()).isEmpty();
  }

  @Test
  void llavasOwnNamesBecomeThoseOfTransformers() throws IOException {
    ResolvedRecipe recipe = recipe(VISION + CONNECTOR, "target=llava_moe");
    Path own = own(dense(recipe), "model.vision_tower.vision_tower.");
    Checkpoint moe = convert(own, recipe);

    assertThat(moe.tensors().keySet())
        .contains(
            "vision_tower.vision_model.encoder.layers.0.mlp.experts.0.fc1.weight",
            "multi_modal_projector.experts.0.linear_1.weight",
            "language_model.lm_head.weight",
            "vision_tower.vision_model.post_layernorm.bias");
    assertThat(verify(Optional.of(own), moe).failures()).isEmpty();
    assertThat(verify(Optional.empty(), moe).failures()).isEmpty();
  }

  @Test
  void llavasOwnChoiceOfStatesGoesAlongOrIsRefused() throws IOException {
    ResolvedRecipe recipe = recipe(VISION + CONNECTOR, "target=llava_moe");
    Path own = own(dense(recipe), "model.vision_tower.vision_tower.");
    edit(own, "scales", JsonNodeFactory.instance.nullNode());
    edit(own, "mm_vision_select_layer", JsonNodeFactory.instance.numberNode(-1));
    assertThat(convert(own, recipe).config().requireLong("vision_feature_layer")).isEqualTo(-1);
    assertThatThrownBy(
            () -> Planner.plan(Checkpoint.open(own), recipe(VISION + CONNECTOR, "target=cumo")))
        .hasMessageContaining("the model reads vision_feature_layer -1, CuMo's code always -2");
  }

  @Test
  void aTowerWithoutItsLastNormCannotBecomeOneThatHasIt() throws IOException {
    ResolvedRecipe recipe = recipe(VISION + CONNECTOR, "target=llava_moe");
    Path own = own(dense(recipe), "model.vision_tower.");
    assertThatThrownBy(() -> Planner.plan(Checkpoint.open(own), recipe))
        .isInstanceOf(PlanException.class)
        .hasMessageContaining("vision_model.post_layernorm.weight is missing from the source")
        .hasMessageContaining("choose target cumo");
  }

  @Test
  void twoPairsOfCountsAreRefused() {
    ResolvedRecipe recipe = recipe(VISION + CONNECTOR, "target=cumo", "connector.experts.count=8");
    Path dense = dense(recipe);
    assertThatThrownBy(() -> Planner.plan(Checkpoint.open(dense), recipe))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("connector.experts: 8 experts, 2 per token, but vision has 4")
        .hasMessageContaining("one num_experts")
        .hasMessageContaining("--set connector.experts.count=4");
  }

  @Test
  void aTowerWithSomeDenseLayersIsRefused() {
    ResolvedRecipe recipe = recipe(VISION, "target=cumo", "vision.layers={except_last: 1}");
    Path dense = dense(recipe);
    assertThatThrownBy(() -> Planner.plan(Checkpoint.open(dense), recipe))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("vision.layers: chooses 1 of 2 layers, but cumo makes every layer")
        .hasMessageContaining("or target=llava_moe")
        .satisfies(refusal -> assertThat(((RecipeException) refusal).complaints()).hasSize(1));
  }

  @Test
  void aDecoderThatCumoHasNoRoomForIsToldWhatHas() throws IOException {
    ResolvedRecipe recipe = recipe(VISION, "target=cumo");
    Path dense = dense(recipe);
    ObjectNode text = (ObjectNode) Checkpoint.open(dense).config().json().path("text_config");
    edit(dense, "text_config", text.put("model_type", "llama"));

    assertThatThrownBy(() -> Planner.plan(Checkpoint.open(dense), recipe))
        .hasMessageContaining("cumo has no room for a dense llama; choose target llava_moe")
        .hasMessageContaining("the model is a llama, the recipe takes mistral; choose a recipe")
        .hasMessageNotContaining("--set source.language");
  }

  @Test
  void aFinishedModelCanBecomeNothingMore() {
    ResolvedRecipe recipe = recipe(VISION + CONNECTOR + LANGUAGE, "target=cumo");
    assertThat(Inspector.inspect(convert(dense(recipe), recipe)).verdicts())
        .isNotEmpty()
        .allSatisfy(one -> assertThat(one.possible()).isEqualTo(Inspection.Possible.NO));
  }

  @Test
  void whatHoldsOfSeveralPartsIsSaidOnceAndOfWhich() {
    ResolvedRecipe recipe = recipe(VISION + CONNECTOR + LANGUAGE, "target=cumo");
    assertThat(Planner.plan(Checkpoint.open(dense(recipe)), recipe).notes())
        .extracting(UpcyclePlan.Note::text)
        .satisfiesOnlyOnce(note ->
            assertThat(note).startsWith("vision and connector: routers are drawn as PyTorch"))
        .satisfiesOnlyOnce(
            note -> assertThat(note).startsWith("language: the function is preserved"))
        .noneMatch(note -> note.startsWith("routers are drawn"));
  }

  @Test
  void bothWidthsOfAConnectorAreShown() {
    ResolvedRecipe recipe = recipe(VISION + CONNECTOR, TWO_SCALES);
    assertThat(Inspector.inspect(Checkpoint.open(dense(recipe))).feedForward())
        .extracting(Inspection.FeedForward::shapes)
        .contains("connector: up [64, 128], down [64, 64]");
  }

  @Test
  void aConnectorOfOneLayerStaysDense() throws IOException {
    ResolvedRecipe recipe = recipe(VISION, "target=cumo");
    Path own = own(dense(recipe), "model.vision_tower.");
    Path one = folder.resolve("one");
    RenamedModel.write(own, one, name -> name.contains("mm_projector.2") ? "" : name);
    edit(one, "mm_projector_type", JsonNodeFactory.instance.stringNode("mlp1x_gelu"));
    Checkpoint moe = convert(one, recipe);

    assertThat(moe.config().findString("mm_projector_type")).contains("mlp1x_gelu");
    assertThat(bytes(moe, "model.mm_projector.0.weight"))
        .isEqualTo(bytes(Checkpoint.open(one), "model.mm_projector.0.weight"));
    assertThat(verify(Optional.of(one), moe).failures()).isEmpty();
    assertThatThrownBy(() -> Planner.plan(Checkpoint.open(one), recipe(VISION, "target=llava_moe")))
        .hasMessageContaining("the connector has 1 linear layers, llava_moe with it has 2");
  }

  @Test
  void aModelThatReadsAnotherLayerIsRefused() throws IOException {
    ResolvedRecipe recipe = recipe(VISION, "target=cumo");
    Path dense = dense(recipe);
    edit(dense, "vision_feature_layer", Checkpoint.open(dense).config().json().numberNode(-1));
    assertThatThrownBy(() -> Planner.plan(Checkpoint.open(dense), recipe))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("vision_feature_layer -1, CuMo's code always -2");
  }

  @Test
  void aTowerThatOnlyHasANameIsThePublishedOne() throws IOException {
    ResolvedRecipe recipe = recipe(VISION + CONNECTOR, TWO_SCALES);
    Path own = own(dense(recipe), "model.vision_tower.");
    JsonNode nothing = Checkpoint.open(own).config().json().nullNode();
    edit(own, "vision_config", nothing);
    assertThatThrownBy(() -> Planner.plan(Checkpoint.open(own), recipe))
        .isInstanceOf(PlanException.class)
        .hasMessageContaining("class_embedding: shape [64]")
        .hasMessageContaining("expected [1024]");
  }

  @ParameterizedTest
  @ValueSource(strings = {"training", "mlp_smoe"})
  void aChangedKeyOfTheConfigIsCaught(String key) throws IOException {
    ResolvedRecipe recipe = recipe(VISION, "target=cumo");
    Path dense = dense(recipe);
    Checkpoint moe = convert(dense, recipe);
    edit(moe.directory(), key, moe.config().json().booleanNode(true));
    assertThat(verify(Optional.of(dense), Checkpoint.open(moe.directory())).failures())
        .extracting(VerifyReport.Failure::tensor)
        .isEqualTo(List.of("config.json: " + key));
  }
}
