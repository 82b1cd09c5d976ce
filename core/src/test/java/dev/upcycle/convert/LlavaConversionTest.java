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
import dev.upcycle.checkpoint.write.CheckpointWriter;
import dev.upcycle.inspect.Inspection;
import dev.upcycle.inspect.Inspector;
import dev.upcycle.plan.PlanException;
import dev.upcycle.plan.Planner;
import dev.upcycle.plan.UpcyclePlan;
import dev.upcycle.recipe.RecipeException;
import dev.upcycle.recipe.Recipes;
import dev.upcycle.recipe.ResolvedRecipe;
import dev.upcycle.recipe.Setting;
import dev.upcycle.sample.TinyModel;
import dev.upcycle.verify.VerifyReport;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// LLaVA: an image tower, a connector and a decoder, each dense or with experts.
class LlavaConversionTest {
  @TempDir Path folder;

  private Path dense(ResolvedRecipe recipe) {
    Path dense = folder.resolve("dense");
    TinyModel.write(recipe.recipe(), dense);
    return dense;
  }

  private Checkpoint convert(Path dense, ResolvedRecipe recipe) {
    return Conversions.convert(dense, recipe, folder.resolve("moe"));
  }

  @ParameterizedTest
  @CsvSource({
    "true, false, false, llava_moe",
    "false, true, false, llava_moe",
    "true, true, false, llava_moe",
    "true, true, true, llava_moe",
    "false, false, true, llava"
  })
  void everyChoiceOfPartsConvertsAndVerifies(
      boolean vision, boolean connector, boolean language, String target) {
    ResolvedRecipe recipe =
        recipe((vision ? VISION : "") + (connector ? CONNECTOR : "") + (language ? LANGUAGE : ""));
    Path dense = dense(recipe);
    Checkpoint source = Checkpoint.open(dense);
    Checkpoint moe = convert(dense, recipe);

    assertThat(moe.config().modelType()).isEqualTo(target);
    assertThat(verify(Optional.of(dense), moe).failures()).isEmpty();
    assertThat(verify(Optional.empty(), moe).failures()).isEmpty();
    Map<String, Boolean> experts =
        Map.of(
            "vision_tower.vision_model.encoder.layers.1.mlp.experts.3.fc1.bias", vision,
            "multi_modal_projector.experts.3.linear_2.weight", connector,
            "language_model.model.layers.1.block_sparse_moe.experts.2.w1.weight", language);
    experts.forEach((name, there) -> assertThat(moe.find(name).isPresent()).isEqualTo(there));
    for (String name : source.tensors().keySet()) {
      boolean stays =
          name.startsWith("vision_tower.")
              ? !vision
              : name.startsWith("multi_modal_projector.") ? !connector : !language;
      if (stays) {
        assertThat(bytes(moe, name)).as(name).isEqualTo(bytes(source, name));
      }
    }
  }

  @Test
  void theConfigSaysWhatTheModellingFileReads() {
    ResolvedRecipe recipe = recipe(VISION + CONNECTOR);
    Checkpoint moe = convert(dense(recipe), recipe);
    ObjectNode json = moe.config().json();

    assertThat(json.path("projector_num_experts").asInt()).isEqualTo(4);
    assertThat(json.path("projector_num_experts_per_tok").asInt()).isEqualTo(2);
    assertThat(json.path("router_norm_topk_prob").asBoolean()).isTrue();
    JsonNode vision = json.path("vision_config");
    assertThat(vision.path("model_type").asString()).isEqualTo("clip_moe_vision_model");
    assertThat(vision.path("num_experts").asInt()).isEqualTo(4);
    assertThat(vision.path("moe_layers")).hasToString("[0,1]");
    assertThat(json.path("text_config").path("model_type").asString()).isEqualTo("mistral");
    assertThat(json.path("auto_map").path("AutoModelForImageTextToText").asString())
        .isEqualTo("modeling_llava_moe.LlavaMoeForConditionalGeneration");
    assertThat(moe.config().strings("architectures"))
        .containsExactly("LlavaMoeForConditionalGeneration");
    for (String file :
        List.of(
            "modeling_llava_moe.py",
            "modeling_clip_moe.py",
            "modeling_siglip_moe.py",
            "sparse_moe.py")) {
      assertThat(moe.directory().resolve(file)).isNotEmptyFile();
    }
  }

  @Test
  void aMixtureThatTransformersHasNeedsNoCodeOfOurs() {
    ResolvedRecipe recipe = recipe(LANGUAGE);
    Checkpoint moe = convert(dense(recipe), recipe);
    ObjectNode json = moe.config().json();

    assertThat(json.has("auto_map")).isFalse();
    assertThat(moe.config().strings("architectures"))
        .containsExactly("LlavaForConditionalGeneration");
    JsonNode text = json.path("text_config");
    assertThat(text.path("model_type").asString()).isEqualTo("mixtral");
    assertThat(text.path("num_local_experts").asInt()).isEqualTo(3);
    assertThat(text.path("rope_parameters").path("rope_theta").asDouble()).isEqualTo(10_000);
    assertThat(moe.directory().resolve("sparse_moe.py")).doesNotExist();
  }

  @Test
  void aDecoderOfWhichSomeLayersStayDenseIsToldByItsExperts() {
    ResolvedRecipe recipe =
        recipe("language: {layers: {every: 2, offset: 0}, experts: {count: 2, per_token: 2}}\n");
    Path dense = dense(recipe);
    Checkpoint moe = convert(dense, recipe);

    assertThat(moe.config().modelType()).isEqualTo("llava_moe");
    JsonNode text = moe.config().json().path("text_config");
    assertThat(text.path("model_type").asString()).isEqualTo("mistral");
    assertThat(text.path("moe_layers")).hasToString("[0]");
    assertThat(bytes(moe, "language_model.model.layers.0.mlp.experts.1.up_proj.weight"))
        .isEqualTo(
            bytes(Checkpoint.open(dense), "language_model.model.layers.0.mlp.up_proj.weight"));
    assertThat(moe.find("language_model.model.layers.1.mlp.up_proj.weight")).isPresent();
    assertThat(verify(Optional.of(dense), moe).failures()).isEmpty();
    assertThat(verify(Optional.empty(), moe).failures()).isEmpty();
  }

  @Test
  void theOtherGenerationsNamesAreReadAndWrittenSoThatBothLoadThem() throws IOException {
    ResolvedRecipe recipe = recipe(VISION);
    Path dense = dense(recipe);
    Path bare = folder.resolve("bare");
    RenamedModel.write(
        dense, bare, name -> name.replace("vision_tower.vision_model.", "vision_tower."));
    assertThat(Checkpoint.open(bare).find("vision_tower.pre_layrnorm.weight")).isPresent();

    Checkpoint moe = convert(bare, recipe);

    assertThat(moe.find("vision_tower.vision_model.pre_layrnorm.weight")).isPresent();
    assertThat(verify(Optional.of(bare), moe).failures()).isEmpty();
  }

  @Test
  void aConfigThatLeavesOutWhatTheClassesMeanIsRead() throws IOException {
    ResolvedRecipe recipe = recipe(CONNECTOR);
    Path dense = dense(recipe);
    ObjectNode text = (ObjectNode) Checkpoint.open(dense).config().json().path("text_config");
    text.remove("num_attention_heads");
    edit(dense, "text_config", text);
    assertThatThrownBy(() -> Planner.plan(Checkpoint.open(dense), recipe))
        .isInstanceOf(PlanException.class)
        .hasMessageContaining("q_proj.weight: shape [64, 64]")
        .hasMessageContaining("expected [512, 64]");
  }

  @Test
  void aConnectorOfOneScaleCannotFeedSeveral() {
    ResolvedRecipe one = recipe(VISION);
    Path dense = dense(one);
    assertThatThrownBy(
            () -> Planner.plan(Checkpoint.open(dense), recipe(VISION, "vision.scales=[1, 3]")))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("vision.scales: [1, 3] makes features 128 wide (2 scales of 64)")
        .hasMessageContaining("takes 64")
        .hasMessageContaining("--set vision.scales=[1]");
  }

  @Test
  void aConnectorOfSeveralScalesCannotFeedOne() {
    ResolvedRecipe two = recipe(VISION, "vision.scales=[1, 3]");
    Path dense = dense(two);
    assertThat(Checkpoint.open(dense).require("multi_modal_projector.linear_1.weight").shape())
        .hasToString("[64, 128]");
    assertThatThrownBy(() -> Planner.plan(Checkpoint.open(dense), recipe(VISION)))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("[1] makes features 64 wide")
        .hasMessageContaining("takes 128")
        .hasMessageContaining("--set vision.scales=[1,3]");
  }

  @Test
  void severalScalesWidenTheConnectorsRouter() {
    ResolvedRecipe recipe = recipe(VISION + CONNECTOR, "vision.scales=[1, 3]", "target=llava_moe");
    Path dense = dense(recipe);
    Checkpoint moe = convert(dense, recipe);
    assertThat(moe.require("multi_modal_projector.gate.weight").shape()).hasToString("[4, 128]");
    assertThat(moe.config().json().path("scales")).hasToString("[1,3]");
    assertThat(verify(Optional.of(dense), moe).failures()).isEmpty();
  }

  @Test
  void aTowerAloneHasNoScales() {
    ResolvedRecipe alone =
        Recipes.resolve(
            Recipes.text("clip-vit-4x2", folder),
            List.of(Setting.parse("vision.scales=[1, 2]")),
            Map.of());
    Path dense = dense(alone);
    assertThatThrownBy(() -> Planner.plan(Checkpoint.open(dense), alone))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("vision.scales: is [1, 2], but a clip_vision_model has no connector");
  }

  @Test
  void thePlanSaysWhyTheLastLayerOfTheTowerMayStayDense() {
    ResolvedRecipe recipe = recipe(VISION, "vision.layers={except_last: 1}");
    UpcyclePlan plan = Planner.plan(Checkpoint.open(dense(recipe)), recipe);
    assertThat(plan.notes())
        .anySatisfy(note -> assertThat(note.text()).contains("layer 1 stays dense", "never used"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"llava", "mixtral"})
  void aTargetWithoutRoomForTheExpertsIsRefused(String target) {
    ResolvedRecipe recipe = recipe(VISION);
    Path dense = dense(recipe);
    assertThatThrownBy(
            () -> Planner.plan(Checkpoint.open(dense), recipe(VISION, "target=" + target)))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("target: a llava");
  }

  @Test
  void anInterruptedConversionResumesToTheSameBytes() {
    ResolvedRecipe recipe = recipe(VISION + CONNECTOR + LANGUAGE, "output.max_shard_size=100KB");
    Path dense = dense(recipe);
    Checkpoint whole = convert(dense, recipe);
    Checkpoint source = Checkpoint.open(dense);
    UpcyclePlan plan = Planner.plan(source, recipe);
    Path out = folder.resolve("resumed");
    InterruptedRun.of(plan, source, out);

    PlanExecutor.Result result =
        PlanExecutor.run(
            plan,
            source,
            new PlanExecutor.Options(out, CheckpointWriter.Mode.RESUME, 1),
            Progress.SILENT);

    assertThat(result.keptFiles()).isPositive().isLessThan(result.files());
    Checkpoint resumed = Checkpoint.open(out);
    assertThat(resumed.tensors().keySet())
        .isEqualTo(whole.tensors().keySet())
        .allSatisfy(tensor -> assertThat(bytes(resumed, tensor)).isEqualTo(bytes(whole, tensor)));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "vision_tower.vision_model.encoder.layers.0.mlp.experts.1.fc1.bias",
        "multi_modal_projector.experts.2.linear_1.weight",
        "language_model.model.layers.1.self_attn.o_proj.weight",
        "language_model.model.layers.0.block_sparse_moe.experts.2.w3.weight"
      })
  void aDamagedTensorOfAnyPartIsCaught(String name) throws IOException {
    ResolvedRecipe recipe = recipe(VISION + CONNECTOR + LANGUAGE);
    Path dense = dense(recipe);
    Checkpoint moe = convert(dense, recipe);
    try (FileChannel file = FileChannel.open(moe.require(name).file(), StandardOpenOption.WRITE)) {
      file.write(ByteBuffer.wrap(new byte[] {1, 2}), moe.require(name).offset());
    }
    assertThat(verify(Optional.of(dense), moe).failures())
        .extracting(VerifyReport.Failure::tensor)
        .containsExactly(name);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"projector_num_experts_per_tok", "vision_feature_layer", "image_token_index"})
  void aChangedKeyOfTheConfigIsCaught(String key) throws IOException {
    ResolvedRecipe recipe = recipe(VISION + CONNECTOR);
    Path dense = dense(recipe);
    Checkpoint moe = convert(dense, recipe);
    edit(moe.directory(), key, moe.config().json().numberNode(1));
    assertThat(verify(Optional.of(dense), Checkpoint.open(moe.directory())).failures())
        .isNotEmpty()
        .allSatisfy(failure -> assertThat(failure.tensor()).startsWith("config.json"));
  }

  @Test
  void aDecodersConfigInsideIsHeldAgainstTheSources() throws IOException {
    ResolvedRecipe recipe = recipe(LANGUAGE);
    Path dense = dense(recipe);
    Checkpoint moe = convert(dense, recipe);
    ObjectNode text = (ObjectNode) moe.config().json().path("text_config");
    text.put("rms_norm_eps", 0.5);
    edit(moe.directory(), "text_config", text);
    assertThat(verify(Optional.of(dense), Checkpoint.open(moe.directory())).failures())
        .extracting(VerifyReport.Failure::tensor)
        .containsExactly("config.json: rms_norm_eps");
  }

  @Test
  void inspectionTellsWhatALlavaIsAndCanBecome() {
    ResolvedRecipe recipe = recipe(VISION + CONNECTOR);
    Path dense = dense(recipe);
    assertThat(Inspector.inspect(Checkpoint.open(dense)).verdicts())
        .filteredOn(one -> one.possible() == Inspection.Possible.YES)
        .extracting(Inspection.Verdict::target)
        .containsExactly("llava", "cumo", "llava_moe");
    Inspection moe = Inspector.inspect(convert(dense, recipe));
    assertThat(moe.feedForward())
        .anySatisfy(one -> assertThat(one.shapes()).startsWith("vision: up"))
        .anySatisfy(one -> assertThat(one.shapes()).startsWith("language: gate"));
    assertThat(moe.parameters().total()).isGreaterThan(moe.parameters().active());
  }
}
