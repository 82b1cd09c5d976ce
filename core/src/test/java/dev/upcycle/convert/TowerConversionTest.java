package dev.upcycle.convert;

import static dev.upcycle.convert.Conversions.bytes;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.checkpoint.write.CheckpointWriter;
import dev.upcycle.dialect.Sources;
import dev.upcycle.estimate.Estimate;
import dev.upcycle.estimate.Parameters;
import dev.upcycle.inspect.Inspection;
import dev.upcycle.inspect.Inspector;
import dev.upcycle.plan.PlanException;
import dev.upcycle.plan.Planner;
import dev.upcycle.plan.TensorStep;
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
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// Image towers, both towers of a CLIP, and connectors.
class TowerConversionTest {
  private static final String FC1 = "vision_model.encoder.layers.1.mlp.fc1.weight";

  @TempDir Path folder;

  private static ResolvedRecipe recipe(String name, String... sets) {
    return Recipes.resolve(
        Recipes.text(name, Path.of("")),
        Arrays.stream(sets).map(Setting::parse).toList(),
        Map.of());
  }

  private Path dense(String recipe) {
    Path dense = folder.resolve("dense-" + recipe);
    TinyModel.write(recipe(recipe).recipe(), dense);
    return dense;
  }

  private Checkpoint convert(Path dense, ResolvedRecipe recipe) {
    return Conversions.convert(dense, recipe, folder.resolve("moe-" + dense.getFileName()));
  }

  private static VerifyReport verify(Path dense, Checkpoint target) {
    return Conversions.verify(Optional.of(dense), target);
  }

  private Path renamed(Path dense, UnaryOperator<String> names) throws IOException {
    Path out = folder.resolve("renamed-" + dense.getFileName());
    RenamedModel.write(dense, out, names);
    return out;
  }

  @ParameterizedTest
  @ValueSource(strings = {"clip-vit-4x2", "siglip-4x2", "vit-4x2", "clip-up-b16"})
  void anInterruptedConversionResumesToTheSameBytes(String name) {
    Path dense = dense(name);
    Checkpoint source = Checkpoint.open(dense);
    ResolvedRecipe recipe = recipe(name, "output.max_shard_size=20KB");
    Checkpoint whole = convert(dense, recipe);
    Path out = folder.resolve("resumed");
    UpcyclePlan plan = Planner.plan(source, recipe);
    InterruptedRun.of(plan, source, out);

    PlanExecutor.Result result =
        PlanExecutor.run(
            plan,
            source,
            new PlanExecutor.Options(out, CheckpointWriter.Mode.RESUME, 1),
            Progress.SILENT);

    assertThat(result.keptFiles()).isPositive().isLessThan(result.files());
    Checkpoint resumed = Checkpoint.open(out);
    assertThat(resumed.tensors().keySet()).isEqualTo(whole.tensors().keySet());
    assertThat(resumed.tensors().keySet())
        .allSatisfy(tensor -> assertThat(bytes(resumed, tensor)).isEqualTo(bytes(whole, tensor)));
    assertThat(verify(dense, resumed).failures()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"clip-vit-4x2", "siglip-4x2", "vit-4x2", "connector-4x2", "clip-up-b16"})
  void whatAShippedRecipeMakesVerifies(String name) {
    Path dense = dense(name);
    VerifyReport report = verify(dense, convert(dense, recipe(name)));
    assertThat(report.failures()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "clip-vit-4x2, vision_model.encoder.layers.1.mlp, fc1, fc2",
    "siglip-4x2, vision_model.encoder.layers.1.mlp, fc1, fc2"
  })
  void everyExpertIsTheDenseNetworkBiasesIncluded(
      String name, String block, String first, String second) {
    Path dense = dense(name);
    Checkpoint source = Checkpoint.open(dense);
    Checkpoint target = convert(dense, recipe(name));
    for (int expert = 0; expert < 4; expert++) {
      for (String tensor :
          List.of(first + ".weight", first + ".bias", second + ".weight", second + ".bias")) {
        assertThat(bytes(target, block + ".experts." + expert + "." + tensor))
            .isEqualTo(bytes(source, block + "." + tensor));
      }
    }
    assertThat(target.find(block + "." + first + ".weight")).isEmpty();
    assertThat(target.require(block + ".gate.weight").shape().toString()).isEqualTo("[4, 64]");
  }

  @Test
  void theExpertsOfAVitAreItsIntermediateAndItsOutput() {
    Path dense = dense("vit-4x2");
    Checkpoint source = Checkpoint.open(dense);
    Checkpoint target = convert(dense, recipe("vit-4x2"));
    assertThat(bytes(target, "vit.encoder.layer.0.mlp.experts.3.fc1.weight"))
        .isEqualTo(bytes(source, "vit.encoder.layer.0.intermediate.dense.weight"));
    assertThat(bytes(target, "vit.encoder.layer.0.mlp.experts.2.fc2.bias"))
        .isEqualTo(bytes(source, "vit.encoder.layer.0.output.dense.bias"));
  }

  @Test
  void aRouterIsDrawnAsPyTorchFillsALinearLayer() {
    UpcyclePlan plan = Planner.plan(Checkpoint.open(dense("clip-vit-4x2")), recipe("clip-vit-4x2"));
    assertThat(plan.steps())
        .filteredOn(TensorStep.NewRouter.class::isInstance)
        .extracting(step -> ((TensorStep.NewRouter) step).init().toString())
        .containsOnly("Uniform[bound=0.125]");
  }

  @Test
  void theConfigNamesExpertsLayersAndTheModellingFile() {
    Path dense = dense("clip-vit-4x2");
    Checkpoint target = convert(dense, recipe("clip-vit-4x2", "vision.layers={except_last: 1}"));
    ObjectNode json = target.config().json();
    assertThat(json.path("model_type").asString()).isEqualTo("clip_moe_vision_model");
    assertThat(json.path("num_experts").asInt()).isEqualTo(4);
    assertThat(json.path("num_experts_per_tok").asInt()).isEqualTo(2);
    assertThat(json.path("moe_layers")).hasToString("[0]");
    assertThat(json.path("router_norm_topk_prob").asBoolean()).isTrue();
    assertThat(json.path("auto_map").path("AutoModel").asString())
        .isEqualTo("modeling_clip_moe.CLIPMoeVisionModel");
    assertThat(json.path("hidden_act").asString()).isEqualTo("quick_gelu");
    assertThat(target.find(FC1)).isPresent();
    assertThat(verify(dense, target).failures()).isEmpty();
  }

  @Test
  void theModellingFilesLieBesideAndAreListed() {
    Path dense = dense("vit-4x2");
    Checkpoint target = convert(dense, recipe("vit-4x2"));
    for (String file : List.of("modeling_vit_moe.py", "sparse_moe.py")) {
      assertThat(target.directory().resolve(file)).isNotEmptyFile();
      assertThat(Manifest.read(target.directory()).files()).contains(file);
    }
    assertThat(target.config().strings("architectures")).containsExactly("ViTMoeModel");
  }

  @Test
  void aPlanSaysWhyTheLastLayerMayStayDense() {
    Checkpoint dense = Checkpoint.open(dense("clip-vit-4x2"));
    assertThat(Planner.plan(dense, recipe("clip-vit-4x2")).notes())
        .anySatisfy(note -> assertThat(note.text()).contains("layer 1 is never used"));
    assertThat(
            Planner.plan(dense, recipe("clip-vit-4x2", "vision.layers={except_last: 1}")).notes())
        .anySatisfy(note -> assertThat(note.text()).contains("layer 1 stays dense"));
  }

  @Test
  void aTextTowerThatTheRecipeLeavesDenseComesOutByteForByte() {
    Path dense = dense("clip-up-b16");
    Checkpoint source = Checkpoint.open(dense);
    Checkpoint target = convert(dense, recipe("clip-vit-4x2"));
    assertThat(verify(dense, target).failures()).isEmpty();
    List<String> left =
        source.tensors().keySet().stream()
            .filter(name -> !name.startsWith("vision_model."))
            .toList();
    assertThat(left).hasSizeGreaterThan(30).contains("logit_scale", "visual_projection.weight");
    for (String name : left) {
      assertThat(bytes(target, name)).as(name).isEqualTo(bytes(source, name));
    }
    assertThat(target.config().modelType()).isEqualTo("clip_moe");
    assertThat(target.config().json().path("text_config").path("model_type").asString())
        .isEqualTo("clip_text_model");
  }

  @Test
  void bothTowersOfAClipTakeEveryOtherLayer() {
    Path dense = dense("clip-up-b16");
    Checkpoint target = convert(dense, recipe("clip-up-b16"));
    assertThat(target.tensors().keySet())
        .contains(
            "text_model.encoder.layers.1.mlp.experts.7.fc1.bias",
            "vision_model.encoder.layers.1.mlp.experts.7.fc2.weight",
            "text_model.encoder.layers.0.mlp.fc1.weight")
        .doesNotContain("vision_model.encoder.layers.0.mlp.gate.weight");
  }

  @Test
  void aTowerOfTheOtherDialectIsReadAndWrittenSoThatBothGenerationsLoadIt() throws IOException {
    Path dense = dense("clip-vit-4x2");
    Path bare = renamed(dense, name -> name.substring("vision_model.".length()));
    assertThat(Checkpoint.open(bare).find("pre_layrnorm.weight")).isPresent();
    Checkpoint target = convert(bare, recipe("clip-vit-4x2"));
    assertThat(target.tensors().keySet()).allMatch(name -> name.startsWith("vision_model."));
    assertThat(verify(bare, target).failures()).isEmpty();
  }

  @Test
  void aBareVitStaysBare() throws IOException {
    Path bare = renamed(dense("vit-4x2"), name -> name.substring("vit.".length()));
    Checkpoint target = convert(bare, recipe("vit-4x2"));
    assertThat(target.tensors().keySet()).noneMatch(name -> name.startsWith("vit."));
    assertThat(verify(bare, target).failures()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"model.mm_projector.", "mm_projector.", ""})
  void aConnectorIsReadByTheNamesOfLlava(String prefix) throws IOException {
    Path dense = dense("connector-4x2");
    Path llava =
        renamed(dense, name -> prefix + name.replace("linear_1", "0").replace("linear_2", "2"));
    Checkpoint target = convert(llava, recipe("connector-4x2"));
    assertThat(bytes(target, "experts.3.linear_2.weight"))
        .isEqualTo(bytes(Checkpoint.open(llava), prefix + "2.weight"));
    assertThat(target.require("gate.weight").shape().toString()).isEqualTo("[4, 64]");
    assertThat(verify(llava, target).failures()).isEmpty();
  }

  @Test
  void aSwappedPairOfExpertTensorsIsCaught() throws IOException {
    Path dense = dense("siglip-4x2");
    Checkpoint target = convert(dense, recipe("siglip-4x2"));
    TensorEntry victim = target.require("vision_model.encoder.layers.0.mlp.experts.1.fc1.bias");
    try (FileChannel file = FileChannel.open(victim.file(), StandardOpenOption.WRITE)) {
      file.write(ByteBuffer.wrap(new byte[] {1, 2}), victim.offset());
    }
    assertThat(verify(dense, target).failures())
        .extracting(VerifyReport.Failure::tensor)
        .containsExactly(victim.name());
  }

  @Test
  void aConfigThatMovesTheExpertsToOtherLayersIsCaught() throws IOException {
    Path dense = dense("clip-vit-4x2");
    Checkpoint target = convert(dense, recipe("clip-vit-4x2"));
    ObjectNode json = target.config().json();
    json.put("layer_norm_eps", 0.5);
    Files.write(target.directory().resolve("config.json"), ModelConfig.of(json).toJson());
    assertThat(verify(dense, target).failures())
        .extracting(VerifyReport.Failure::tensor)
        .contains("config.json: layer_norm_eps");
  }

  @Test
  void aTensorThatNoTowerHasIsAnErrorNamingIt() throws IOException {
    Path stray =
        renamed(
            dense("clip-vit-4x2"), name -> name.equals(FC1) ? name.replace("fc1", "fc9") : name);
    assertThatThrownBy(() -> Planner.plan(Checkpoint.open(stray), recipe("clip-vit-4x2")))
        .isInstanceOf(PlanException.class)
        .hasMessageContaining("layers.1.mlp.fc9.weight")
        .hasMessageContaining(FC1 + " [96, 64] is missing");
  }

  @Test
  void aRecipeForAPartThatIsNotThereIsRefused() {
    Checkpoint vision = Checkpoint.open(dense("clip-vit-4x2"));
    assertThatThrownBy(() -> Planner.plan(vision, recipe("clip-up-b16")))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("language: a clip_vision_model has no such part");
    assertThatThrownBy(() -> Planner.plan(vision, recipe("siglip-4x2")))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("the model is a clip_vision_model, the recipe takes siglip");
  }

  @Test
  void inspectionTellsWhatATowerIsAndCanBecome() {
    Path dense = dense("clip-vit-4x2");
    Inspection inspection = Inspector.inspect(Checkpoint.open(dense));
    assertThat(inspection.verdicts())
        .filteredOn(one -> one.possible() == Inspection.Possible.YES)
        .extracting(Inspection.Verdict::target)
        .containsExactly("clip_moe_vision_model", "cumo");
    Inspection moe = Inspector.inspect(convert(dense, recipe("clip-vit-4x2")));
    assertThat(moe.experts()).contains(new Inspection.ExpertLayout("per-expert", 4, 2));
    assertThat(moe.parameters().total()).isGreaterThan(moe.parameters().active());
  }

  @Test
  void thePublishedCountsFollowFromConfigsAlone() {
    ObjectNode large =
        (ObjectNode)
            JsonMapper.shared()
                .readTree(
                    "{\"model_type\": \"clip_vision_model\", \"hidden_size\": 1024,"
                        + " \"intermediate_size\": 4096, \"num_hidden_layers\": 24,"
                        + " \"num_attention_heads\": 16, \"patch_size\": 14,"
                        + " \"image_size\": 336}");
    UpcyclePlan plan = Planner.plan(ModelConfig.of(large), recipe("clip-vit-4x2"));
    Parameters counts = Estimate.of(plan).parameters();
    assertThat(counts.total() / 1e9).isBetween(0.905, 0.915);
    assertThat(counts.active() / 1e9).isBetween(0.495, 0.506);
    ObjectNode connector =
        (ObjectNode)
            JsonMapper.shared()
                .readTree("{\"model_type\": \"mlp\", \"input_size\": 2048, \"hidden_size\": 4096}");
    Parameters projector =
        Estimate.of(Planner.plan(ModelConfig.of(connector), recipe("connector-4x2"))).parameters();
    assertThat(projector.total()).isEqualTo(4 * 25_174_016L + 4 * 2048);
    assertThat(projector.active()).isEqualTo(2 * 25_174_016L + 4 * 2048);
  }

  @Test
  void aSourceOfOtherPartsIsAnotherSource() {
    Checkpoint target = convert(dense("clip-vit-4x2"), recipe("clip-vit-4x2"));

    VerifyReport report = verify(dense("clip-up-b16"), target);

    assertThat(report.passed()).isFalse();
    assertThat(report.failures())
        .singleElement()
        .satisfies(failure ->
            assertThat(failure.message()).contains("a clip_vision_model went in", "is a clip"));
  }

  @Test
  void besideAConnectorsFileThereIsRoomForTheResult() throws IOException {
    Path file = folder.resolve("mm_projector.safetensors");
    Files.copy(dense("connector-4x2").resolve("model.safetensors"), file);
    Checkpoint source = Sources.open(file);
    Path out = folder.resolve("experts");

    PlanExecutor.run(
        Planner.plan(source, recipe("connector-4x2")),
        source,
        new PlanExecutor.Options(out, CheckpointWriter.Mode.FRESH, 1),
        Progress.SILENT);

    assertThat(out.resolve("config.json")).exists();
    assertThatThrownBy(() ->
            PlanExecutor.run(
                Planner.plan(source, recipe("connector-4x2")),
                source,
                new PlanExecutor.Options(folder, CheckpointWriter.Mode.FRESH, 1),
                Progress.SILENT))
        .hasMessageContaining("holds the source");
  }
}
