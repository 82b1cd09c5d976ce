package dev.upcycle.convert;

import static dev.upcycle.convert.Conversions.CONNECTOR;
import static dev.upcycle.convert.Conversions.VISION;
import static dev.upcycle.convert.Conversions.edit;
import static dev.upcycle.convert.Conversions.recipe;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.dialect.Sources;
import dev.upcycle.plan.DenseSource;
import dev.upcycle.plan.Discarded;
import dev.upcycle.plan.Planner;
import dev.upcycle.plan.UpcyclePlan;
import dev.upcycle.plan.UpcyclePlan.Note;
import dev.upcycle.recipe.Part;
import dev.upcycle.recipe.ResolvedRecipe;
import dev.upcycle.sample.TinyModel;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// Sources of which a part would be lost, or read otherwise than it was trained.
class RefusedSourcesTest {
  private static final ResolvedRecipe RECIPE = recipe(VISION + CONNECTOR);

  @TempDir Path folder;
  private Path whole;

  @BeforeEach
  void draw() {
    whole = folder.resolve("whole");
    TinyModel.write(RECIPE.recipe(), whole);
  }

  private Path renamed(UnaryOperator<String> names) throws IOException {
    Path out = folder.resolve("renamed");
    RenamedModel.write(whole, out, names);
    return out;
  }

  private static List<String> notes(Path model) {
    UpcyclePlan plan = Planner.plan(Checkpoint.open(model), RECIPE);
    return plan.notes().stream().map(Note::text).toList();
  }

  /// A part of the whole by itself.
  private Path part(String prefix, String config) throws IOException {
    Path out = folder.resolve(config);
    RenamedModel.write(
        whole, out, name -> name.startsWith(prefix) ? name.substring(prefix.length()) : "");
    ObjectNode own = (ObjectNode) Checkpoint.open(whole).config().json().path(config);
    Files.write(out.resolve("config.json"), ModelConfig.of(own).toJson());
    return out;
  }

  private Path connector() throws IOException {
    Path out = folder.resolve("connector");
    RenamedModel.write(
        whole,
        out,
        name ->
            name.startsWith("multi_modal_projector.")
                ? name.replace("multi_modal_projector.linear_1", "mm_projector.0")
                    .replace("multi_modal_projector.linear_2", "mm_projector.2")
                : "");
    Files.delete(out.resolve("config.json"));
    return out.resolve("model.safetensors");
  }

  @Test
  void twoTensorsThatClaimOnePlaceAreBothNamed() throws IOException {
    Path model =
        renamed(name ->
            name.replace(
                "multi_modal_projector.linear_2.weight", "multi_modal_projector.0.weight"));
    assertThatThrownBy(() -> Planner.plan(Checkpoint.open(model), RECIPE))
        .hasMessageContaining("multi_modal_projector.linear_1.weight")
        .hasMessageContaining("multi_modal_projector.0.weight")
        .hasMessageContaining("are both linear_1.weight of a mlp");
  }

  @Test
  void aTensorThatOnePartHasNoPlaceForIsAsFatalInPartsAsAlone() throws IOException {
    Path language = part("language_model.", "text_config");
    Path adapted = folder.resolve("adapted");
    RenamedModel.write(
        language, adapted, name -> name.replace("0.mlp.up_proj.weight", "0.mlp.lora_A.weight"));
    Map<Part, Path> parts =
        Map.of(
            Part.LANGUAGE,
            adapted,
            Part.VISION,
            part("vision_tower.", "vision_config"),
            Part.CONNECTOR,
            connector());
    assertThatThrownBy(() -> DenseSource.assemble(parts))
        .hasMessageContaining("model.layers.0.mlp.lora_A.weight")
        .hasMessageContaining("Dropping it would change the model");
  }

  @ParameterizedTest
  @CsvSource({"clip, default", "siglip, full"})
  void aTowerWithoutClassTokenGivesEveryPatch(String vision, String strategy) throws IOException {
    ResolvedRecipe recipe = recipe(VISION + CONNECTOR, "source.vision=" + vision);
    whole = folder.resolve(vision);
    TinyModel.write(recipe.recipe(), whole);
    Checkpoint assembled =
        DenseSource.assemble(
            Map.of(
                Part.LANGUAGE,
                part("language_model.", "text_config"),
                Part.VISION,
                part("vision_tower.", "vision_config"),
                Part.CONNECTOR,
                connector()));
    assertThat(assembled.config().findString("vision_feature_select_strategy").orElse("default"))
        .isEqualTo(strategy);
  }

  @Test
  void aConnectorWithoutBiasesCannotBecomeCumos() throws IOException {
    Path model =
        renamed(name ->
            name.startsWith("multi_modal_projector.") && name.endsWith(".bias") ? "" : name);
    edit(model, "multimodal_projector_bias", JsonMapper.shared().valueToTree(false));
    assertThatThrownBy(
            () -> Planner.plan(Sources.open(model), recipe(VISION + CONNECTOR, "target=cumo")))
        .hasMessageContaining("the connector's linear layers have no biases, CuMo's always do")
        .hasMessageContaining("target=llava_moe");
    assertThat(Planner.plan(Sources.open(model), RECIPE).target().modelType())
        .isEqualTo("llava_moe");
  }

  @ParameterizedTest
  @CsvSource({
    "'[-2, -1]', 'is [-2,-1], expected one whole number'",
    "99, 'is 99, expected -3 to 2: the tower has 2 layers'",
    "-4, 'is -4, expected -3 to 2: the tower has 2 layers'"
  })
  void aStateThatTheTowerDoesNotHaveIsRefused(String value, String what) throws IOException {
    edit(whole, "vision_feature_layer", JsonMapper.shared().readTree(value));
    assertThatThrownBy(() -> Planner.plan(Checkpoint.open(whole), RECIPE))
        .hasMessageContaining("vision_feature_layer")
        .hasMessageContaining(what);
  }

  @Test
  void aPlanSaysWhichLayersAreNeverUsed() throws IOException {
    edit(whole, "vision_feature_layer", JsonMapper.shared().valueToTree(-2));
    assertThat(notes(whole))
        .anyMatch(note -> note.contains("reads the output of layer 0, so layer 1 is never used"));
    edit(whole, "vision_feature_layer", JsonMapper.shared().valueToTree(-1));
    assertThat(notes(whole)).noneMatch(note -> note.contains("never used"));
    edit(whole, "vision_feature_layer", JsonMapper.shared().valueToTree(0));
    assertThat(notes(whole))
        .anyMatch(
            note -> note.contains("reads what enters layer 0, so layers 0 to 1 are never used"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"frobnicate", "relu"})
  void anActivationThatNothingHereComputesIsRefused(String activation) throws IOException {
    ObjectNode vision = (ObjectNode) Checkpoint.open(whole).config().json().path("vision_config");
    edit(whole, "vision_config", vision.put("hidden_act", activation));
    assertThatThrownBy(() -> Planner.plan(Checkpoint.open(whole), RECIPE))
        .hasMessageContaining("hidden_act of the clip_vision_model")
        .hasMessageContaining("is " + activation + ", expected one of silu");
  }

  @ParameterizedTest
  @CsvSource({
    "vision_feature_select_strategy, '\"x\"', 'is \"x\", expected default or full'",
    "image_token_index, '\"x\"', 'a whole number'"
  })
  void aKeyOfTheWholeThatNothingHereReadsIsRefused(String key, String value, String what)
      throws IOException {
    edit(whole, key, JsonMapper.shared().readTree(value));
    assertThatThrownBy(() -> Planner.plan(Checkpoint.open(whole), RECIPE))
        .hasMessageContaining(key)
        .hasMessageContaining(what);
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '\'',
      value = {
        "vision_config, layer_norm_eps, \"x\"",
        "vision_config, layer_norm_eps, -1",
        "text_config, rms_norm_eps, \"x\"",
        "text_config, rms_norm_eps, -1"
      })
  void anEpsilonThatIsNoneIsRefused(String part, String key, String value) throws IOException {
    ObjectNode config = (ObjectNode) Checkpoint.open(whole).config().json().path(part);
    config.set(key, JsonMapper.shared().readTree(value));
    edit(whole, part, config);
    assertThatThrownBy(() -> Planner.plan(Checkpoint.open(whole), RECIPE))
        .hasMessageContaining(key)
        .hasMessageContaining("a number");
  }

  @Test
  void biasesThatTheConfigDeniesAreNotDropped() throws IOException {
    edit(whole, "multimodal_projector_bias", JsonMapper.shared().valueToTree(false));
    assertThatThrownBy(() -> Planner.plan(Checkpoint.open(whole), RECIPE))
        .hasMessageContaining("multi_modal_projector.linear_1.bias: multimodal_projector_bias in")
        .hasMessageContaining("multi_modal_projector.linear_2.bias: multimodal_projector_bias in")
        .hasMessageContaining("set multimodal_projector_bias to true");
  }

  @Test
  void biasesThatTheConfigDeniesMayGoWhereAllAreZero() throws IOException {
    edit(whole, "multimodal_projector_bias", JsonMapper.shared().valueToTree(false));
    for (String layer : List.of("linear_1", "linear_2")) {
      zero(Checkpoint.open(whole).require("multi_modal_projector." + layer + ".bias"));
    }
    assertThat(Planner.plan(Checkpoint.open(whole), RECIPE).discarded())
        .extracting(Discarded::name)
        .containsExactlyInAnyOrder(
            "multi_modal_projector.linear_1.bias", "multi_modal_projector.linear_2.bias");
  }

  private static void zero(TensorEntry entry) throws IOException {
    try (FileChannel channel = FileChannel.open(entry.file(), StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.allocate(Math.toIntExact(entry.bytes())), entry.offset());
    }
  }
}
