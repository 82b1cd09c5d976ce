package dev.upcycle.convert;

import static dev.upcycle.convert.Conversions.bytes;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.checkpoint.write.CheckpointWriter;
import dev.upcycle.densify.DensePlan;
import dev.upcycle.densify.Densifier;
import dev.upcycle.densify.ExpertChoice;
import dev.upcycle.dialect.Sources;
import dev.upcycle.fixtures.dense.ClipFixture;
import dev.upcycle.fixtures.dense.FixtureTensor;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.kernels.tensor.Tensors;
import dev.upcycle.model.ClipModel;
import dev.upcycle.model.ForwardPass;
import dev.upcycle.model.ModelOptions;
import dev.upcycle.plan.Consumer;
import dev.upcycle.plan.Planner;
import dev.upcycle.plan.UpcyclePlan;
import dev.upcycle.recipe.RecipeException;
import dev.upcycle.recipe.Recipes;
import dev.upcycle.recipe.ResolvedRecipe;
import dev.upcycle.recipe.Setting;
import dev.upcycle.verify.Verifier;
import dev.upcycle.verify.VerifyReport;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// A CLIP becomes a CLIP-MoE under OpenAI's names, whichever names it came with.
class ClipMoeConversionTest {
  private static final String WEIGHTS = "model.safetensors";
  private static final String VISION = "visual.transformer.resblocks.1.";
  private static final String TEXT = "transformer.resblocks.1.";
  private static final String[] LAST = {"vision.layers={last: 1}", "language.layers={last: 1}"};

  @TempDir Path folder;

  /// The names that a dense CLIP comes with.
  enum Dense {
    HUGGING_FACE,
    OPENAI,
    OPENAI_TORCH;

    Path write(Path folder) {
      Path dense = folder.resolve("dense");
      switch (this) {
        case HUGGING_FACE -> {
          ClipFixture.safetensors(dense.resolve(WEIGHTS), ClipFixture.huggingFace());
          ClipFixture.text(dense.resolve("config.json"), ClipFixture.huggingFaceConfig());
        }
        case OPENAI ->
            ClipFixture.safetensors(dense.resolve(WEIGHTS), ClipFixture.openAi("visual.", "text."));
        case OPENAI_TORCH ->
            ClipFixture.torch(dense.resolve("ViT.pt"), ClipFixture.openAi("visual.", ""));
      }
      return this == OPENAI_TORCH ? dense.resolve("ViT.pt") : dense;
    }
  }

  private static ResolvedRecipe recipe(String name, String... settings) {
    return Recipes.resolve(
        Recipes.text(name, Path.of("")),
        Stream.of(settings).map(Setting::parse).toList(),
        Map.of());
  }

  private static ResolvedRecipe recipe() {
    return recipe("clip-moe-b16-4x2", LAST);
  }

  private Path convert(Path dense) {
    return convert(dense, recipe(), "moe");
  }

  private Path convert(Path dense, ResolvedRecipe recipe, String name) {
    Checkpoint source = Sources.open(dense);
    PlanExecutor.Options options =
        new PlanExecutor.Options(folder.resolve(name), CheckpointWriter.Mode.FRESH, 2);
    return PlanExecutor.run(Planner.plan(source, recipe), source, options, Progress.SILENT).out();
  }

  private static VerifyReport verify(Path dense, Path target) {
    return Verifier.verify(
        Optional.of(dense), target, Verifier.Expectation.CONVERTED, Progress.SILENT);
  }

  private static void overwrite(TensorEntry entry, byte[] bytes) throws IOException {
    try (FileChannel file = FileChannel.open(entry.file(), StandardOpenOption.WRITE)) {
      file.write(ByteBuffer.wrap(bytes), entry.offset());
    }
  }

  /// Names, shapes and bytes, but for the routers': the fixture's own stacking and transposing,
  /// with four of what the last block of each tower has once.
  private static Map<String, FixtureTensor> expected() {
    Map<String, FixtureTensor> expected = new LinkedHashMap<>();
    for (FixtureTensor tensor : ClipFixture.openAi("visual.", "")) {
      String name = tensor.name();
      if (name.contains("resblocks.1.mlp.")) {
        for (int expert = 0; expert < 4; expert++) {
          expected.put(name.replace(".mlp.", ".experts." + expert + "."), tensor);
        }
      } else {
        expected.put(name, tensor);
      }
    }
    return expected;
  }

  @ParameterizedTest
  @EnumSource
  void everyTensorHasOpenAisNameShapeAndBytes(Dense from) {
    Path target = convert(from.write(folder));
    Checkpoint actual = Checkpoint.open(target);
    Map<String, FixtureTensor> expected = expected();
    assertThat(actual.tensors().keySet())
        .containsExactlyInAnyOrderElementsOf(
            Stream.concat(
                    expected.keySet().stream(),
                    Stream.of(VISION + "gate.weight", TEXT + "gate.weight"))
                .toList());
    expected.forEach((name, tensor) -> {
      assertThat(actual.require(name).shape().dimensions())
          .as(name)
          .isEqualTo(tensor.shape().stream().map(Integer::longValue).toList());
      assertThat(bytes(actual, name)).as(name).isEqualTo(tensor.data());
    });
    assertThat(actual.require(VISION + "gate.weight").shape()).hasToString("[4, 64]");
    assertThat(actual.require(TEXT + "gate.weight").shape()).hasToString("[4, 32]");
  }

  @Test
  void itsRoutersAreThoseOfTheSameModelUnderHuggingFacesNames() {
    Path dense = Dense.HUGGING_FACE.write(folder);
    String[] settings = {LAST[0], LAST[1], "target=auto"};
    Checkpoint twin = Checkpoint.open(convert(dense, recipe("clip-moe-b16-4x2", settings), "twin"));
    Checkpoint actual = Checkpoint.open(convert(dense));
    assertThat(bytes(actual, VISION + "gate.weight"))
        .isEqualTo(bytes(twin, "vision_model.encoder.layers.1.mlp.gate.weight"));
    assertThat(bytes(actual, TEXT + "gate.weight"))
        .isEqualTo(bytes(twin, "text_model.encoder.layers.1.mlp.gate.weight"));
  }

  @ParameterizedTest
  @EnumSource
  void itVerifies(Dense from) {
    Path dense = from.write(folder);
    assertThat(verify(dense, convert(dense)).failures()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"visual., vision_model", "'', text_model"})
  void swappedQueriesAndKeysAreCaught(String prefix, String tower) throws IOException {
    Path dense = Dense.HUGGING_FACE.write(folder);
    Path target = convert(dense);
    TensorEntry stacked =
        Checkpoint.open(target).require(prefix + "transformer.resblocks.0.attn.in_proj_bias");
    byte[] before = bytes(Checkpoint.open(target), stacked.name());
    byte[] after = before.clone();
    int third = before.length / 3;
    System.arraycopy(before, 0, after, third, third);
    System.arraycopy(before, third, after, 0, third);
    overwrite(stacked, after);
    assertThat(verify(dense, target).failures())
        .extracting(VerifyReport.Failure::tensor)
        .containsExactlyInAnyOrder(
            tower + ".encoder.layers.0.self_attn.q_proj.bias",
            tower + ".encoder.layers.0.self_attn.k_proj.bias");
  }

  @ParameterizedTest
  @CsvSource({"visual.proj, visual_projection.weight", "text_projection, text_projection.weight"})
  void aProjectionThatWasNotTransposedIsCaught(String stored, String name) throws IOException {
    Path dense = Dense.HUGGING_FACE.write(folder);
    Path target = convert(dense);
    overwrite(Checkpoint.open(target).require(stored), bytes(Checkpoint.open(dense), name));
    assertThat(verify(dense, target).failures())
        .extracting(VerifyReport.Failure::tensor)
        .containsExactly(name);
  }

  @Test
  void anExpertsMatrixThatDiffersIsCaught() throws IOException {
    Path dense = Dense.OPENAI.write(folder);
    Path target = convert(dense);
    overwrite(Checkpoint.open(target).require(TEXT + "experts.2.c_proj.weight"), new byte[4]);
    assertThat(verify(dense, target).failures())
        .extracting(VerifyReport.Failure::tensor)
        .containsExactly("text_model.encoder.layers.1.mlp.experts.2.fc2.weight");
  }

  @Test
  void anInterruptedConversionResumesToTheSameBytes() {
    Path dense = Dense.HUGGING_FACE.write(folder);
    ResolvedRecipe recipe =
        recipe("clip-moe-b16-4x2", LAST[0], LAST[1], "output.max_shard_size=40KB");
    Checkpoint whole = Checkpoint.open(convert(dense, recipe, "whole"));
    Checkpoint source = Sources.open(dense);
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
    assertThat(resumed.tensors().keySet()).isEqualTo(whole.tensors().keySet());
    assertThat(resumed.tensors().keySet())
        .allSatisfy(name -> assertThat(bytes(resumed, name)).isEqualTo(bytes(whole, name)));
    assertThat(verify(dense, out).failures()).isEmpty();
  }

  @ParameterizedTest
  @EnumSource
  void densifyGivesTheDenseModelBackByteForByte(Dense from) {
    Checkpoint dense = Sources.open(from.write(folder));
    Path target = convert(from.write(folder));
    Path out = folder.resolve("dense-again");
    Densifier.run(
        DensePlan.of(Sources.open(target)),
        new ExpertChoice.Shared(),
        new Densifier.Options(out, CheckpointWriter.Mode.FRESH, 1L << 30, 2),
        Densifier.Meters.SILENT);
    Checkpoint again = Checkpoint.open(out);
    assertThat(again.tensors().keySet())
        .containsExactlyInAnyOrderElementsOf(dense.tensors().keySet());
    assertThat(again.tensors().keySet())
        .allSatisfy(name -> assertThat(bytes(again, name)).isEqualTo(bytes(dense, name)));
  }

  @Test
  void queriesAndKeysOfDifferentTypesCannotBeStacked() {
    String query = "text_model.encoder.layers.0.self_attn.q_proj.bias";
    List<FixtureTensor> tensors =
        ClipFixture.huggingFace().stream()
            .map(tensor ->
                tensor.name().equals(query)
                    ? new FixtureTensor(query, "F16", tensor.shape(), new byte[64])
                    : tensor)
            .toList();
    Path dense = folder.resolve("mixed");
    ClipFixture.safetensors(dense.resolve(WEIGHTS), tensors);
    ClipFixture.text(dense.resolve("config.json"), ClipFixture.huggingFaceConfig());
    Checkpoint source = Sources.open(dense);
    assertThatThrownBy(() -> Planner.plan(source, recipe()))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("transformer.resblocks.0.attn.in_proj_bias")
        .hasMessageContaining("output.dtype=f32");
    Path target =
        convert(dense, recipe("clip-moe-b16-4x2", LAST[0], LAST[1], "output.dtype=f32"), "cast");
    assertThat(verify(dense, target).failures()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "vision.layers=[0] | language.layers={last: 1} | vision.layers: chooses blocks [0] of 2",
        "vision.layers={last: 1} | language.layers=all | language.layers: chooses blocks [0, 1]",
        "language.experts.count=8 | vision.layers=all | 8 experts, 2 per token, but vision has 4",
      })
  void whatClipMoeCannotBeToldIsRefused(String first, String second, String message) {
    Checkpoint dense = Sources.open(Dense.HUGGING_FACE.write(folder));
    assertThatThrownBy(() -> Planner.plan(dense, recipe("clip-moe-b16-4x2", first, second)))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining(message);
  }

  @Test
  void aPlanSaysWhatOfItsLoaderWasRun() {
    String config =
        ClipFixture.huggingFaceConfig()
            .replace("\"intermediate_size\": 96", "\"intermediate_size\": 256")
            .replace("\"intermediate_size\": 48", "\"intermediate_size\": 256")
            .replace("\"hidden_size\": 32", "\"hidden_size\": 64");
    assertThat(clipMoe(config).loads()).isEqualTo(Consumer.Loads.WITH_LIMITS);
    assertThat(clipMoe(config).reason()).contains("read, not run");
  }

  @Test
  void aPlanSaysWhichSizesItsModulesDoNotHave() {
    assertThat(clipMoe(ClipFixture.huggingFaceConfig()).loads()).isEqualTo(Consumer.Loads.NO);
    assertThat(clipMoe(ClipFixture.huggingFaceConfig().replace("quick_gelu", "gelu")).reason())
        .contains(
            "it takes intermediate as 256, not 96", "it takes heads as 0, not 1", "with gelu");
  }

  private static Consumer clipMoe(String config) {
    ModelConfig dense = ModelConfig.of((ObjectNode) JsonMapper.shared().readTree(config));
    return Planner.plan(dense, recipe()).consumers().getFirst();
  }

  private static float[] logits(Checkpoint checkpoint) {
    try (ClipModel model = ClipModel.open(checkpoint, ModelOptions.of("cpu", "f32"));
        TensorScope _ = TensorScope.open();
        Gradients.Pause _ = Gradients.pause()) {
      float[] pixels = new float[2 * 3 * 28 * 28];
      for (int i = 0; i < pixels.length; i++) {
        pixels[i] = (float) Math.sin(i * 0.37);
      }
      Tensor ids = Tensors.of(38, 5, 8, 39, 38, 7, 30, 39).view(2, 4);
      return model
          .forward(Tensors.of(pixels, 2, 3, 28, 28), ids, ForwardPass.plain())
          .logits()
          .toFloats();
    }
  }

  @Test
  void theModelComputesWhatTheDenseOneDoes() {
    Path dense = Dense.HUGGING_FACE.write(folder);
    float[] expected = logits(Sources.open(dense));
    float[] actual = logits(Sources.open(convert(dense)));
    float largest = 0;
    for (float value : expected) {
      largest = Math.max(largest, Math.abs(value));
    }
    for (int i = 0; i < expected.length; i++) {
      assertThat(actual[i]).isCloseTo(expected[i], Offset.offset(1e-5f * largest));
    }
  }
}
