package dev.upcycle.dialect;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.tngtech.archunit.core.importer.ClassFileImporter;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.checkpoint.write.CheckpointWriter;
import dev.upcycle.convert.PlanExecutor;
import dev.upcycle.convert.Progress;
import dev.upcycle.fixtures.dense.ClipFixture;
import dev.upcycle.fixtures.dense.FixtureTensor;
import dev.upcycle.inspect.Inspection;
import dev.upcycle.inspect.Inspector;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.kernels.tensor.Tensors;
import dev.upcycle.model.ClipModel;
import dev.upcycle.model.ForwardPass;
import dev.upcycle.model.ModelOptions;
import dev.upcycle.plan.PlanException;
import dev.upcycle.plan.Planner;
import dev.upcycle.recipe.Recipes;
import dev.upcycle.recipe.ResolvedRecipe;
import dev.upcycle.verify.Verifier;
import dev.upcycle.verify.VerifyReport;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/// A CLIP under OpenAI's names does all that its twin of Hugging Face's names does.
class OpenClipSourceTest {
  private static final String WEIGHTS = "model.safetensors";
  private static final String SAFETENSORS = "open_clip_model.safetensors";
  private static final String CONFIG = "open_clip_config.json";
  private static final String QUICK = "\"quick_gelu\": true";
  private static final String ATTENTION = "vision_model.encoder.layers.0.self_attn.";

  @TempDir Path folder;

  /// The ways in which such a model lies on disk.
  enum Form {
    OPEN_CLIP,
    OPEN_CLIP_TORCH,
    CUSTOM_TEXT,
    BARE_STATE_DICT,
    SAFETENSORS_ALONE;

    Path write(Path folder) {
      List<FixtureTensor> tensors = ClipFixture.openAi("visual.", "");
      return switch (this) {
        case OPEN_CLIP -> withConfig(ClipFixture.safetensors(folder.resolve(SAFETENSORS), tensors));
        case OPEN_CLIP_TORCH ->
            withConfig(ClipFixture.torch(folder.resolve("open_clip_pytorch_model.bin"), tensors));
        case CUSTOM_TEXT ->
            withConfig(
                ClipFixture.safetensors(
                    folder.resolve(SAFETENSORS), ClipFixture.openAi("visual.", "text.")));
        case BARE_STATE_DICT -> ClipFixture.torch(folder.resolve("ViT-B-32.pt"), tensors);
        case SAFETENSORS_ALONE ->
            folderOf(ClipFixture.safetensors(folder.resolve(WEIGHTS), tensors));
      };
    }

    private static Path withConfig(Path file) {
      ClipFixture.text(file.resolveSibling(CONFIG), ClipFixture.openClipConfig(QUICK));
      return folderOf(file);
    }
  }

  private static Path folderOf(Path file) {
    return Optional.ofNullable(file.getParent()).orElseThrow();
  }

  private Path huggingFace() {
    Path dense = folder.resolve("hugging-face");
    ClipFixture.safetensors(dense.resolve(WEIGHTS), ClipFixture.huggingFace());
    ClipFixture.text(dense.resolve("config.json"), ClipFixture.huggingFaceConfig());
    return dense;
  }

  private Path open(Form form) {
    return form.write(folder.resolve("openai"));
  }

  private static ResolvedRecipe recipe(String name) {
    return Recipes.resolve(Recipes.text(name, Path.of("")), List.of(), Map.of());
  }

  private Path convert(Path dense, String recipe) {
    Checkpoint source = Sources.open(dense);
    return PlanExecutor.run(
            Planner.plan(source, recipe(recipe)),
            source,
            new PlanExecutor.Options(
                folder.resolve("moe-" + dense.getFileName()), CheckpointWriter.Mode.FRESH, 2),
            Progress.SILENT)
        .out();
  }

  private static VerifyReport verify(Path dense, Path target) {
    return Verifier.verify(
        Optional.of(dense), target, Verifier.Expectation.CONVERTED, Progress.SILENT);
  }

  private static byte[] bytes(TensorEntry entry) {
    try (FileChannel file = FileChannel.open(entry.file(), StandardOpenOption.READ);
        Arena arena = Arena.ofConfined()) {
      return file.map(FileChannel.MapMode.READ_ONLY, entry.offset(), entry.bytes(), arena)
          .toArray(ValueLayout.JAVA_BYTE);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void overwrite(TensorEntry entry, byte[] bytes) throws IOException {
    try (FileChannel file = FileChannel.open(entry.file(), StandardOpenOption.WRITE)) {
      file.write(ByteBuffer.wrap(bytes), entry.offset());
    }
  }

  @ParameterizedTest
  @EnumSource
  void itConvertsToTheBytesOfItsTwin(Form form) {
    Path expected = convert(huggingFace(), "clip-up-b16");
    Path actual = convert(open(form), "clip-up-b16");
    assertThat(actual.resolve(WEIGHTS)).hasSameBinaryContentAs(expected.resolve(WEIGHTS));
    assertThat(actual.resolve("config.json"))
        .hasSameBinaryContentAs(expected.resolve("config.json"));
  }

  @ParameterizedTest
  @EnumSource
  void whatItBecomesVerifiesAgainstItAndAgainstItsTwinsTensors(Form form) {
    Path dense = open(form);
    Path target = convert(dense, "clip-vit-4x2");
    assertThat(verify(dense, target).failures()).isEmpty();
    assertThat(verify(huggingFace(), target).failures())
        .extracting(VerifyReport.Failure::check)
        .containsOnly("source files");
  }

  @Test
  void swappedQueriesAndKeysAreCaught() throws IOException {
    Path dense = open(Form.OPEN_CLIP);
    Path target = convert(dense, "clip-up-b16");
    Checkpoint written = Checkpoint.open(target);
    for (String kind : List.of("weight", "bias")) {
      TensorEntry query = written.require(ATTENTION + "q_proj." + kind);
      TensorEntry key = written.require(ATTENTION + "k_proj." + kind);
      byte[] before = bytes(query);
      overwrite(query, bytes(key));
      overwrite(key, before);
    }
    assertThat(verify(dense, target).failures())
        .extracting(VerifyReport.Failure::tensor)
        .containsExactlyInAnyOrder(
            ATTENTION + "q_proj.weight",
            ATTENTION + "k_proj.weight",
            ATTENTION + "q_proj.bias",
            ATTENTION + "k_proj.bias");
  }

  @Test
  void aProjectionThatWasNotTransposedIsCaught() throws IOException {
    Path dense = open(Form.OPEN_CLIP);
    Path target = convert(dense, "clip-up-b16");
    byte[] stored = bytes(Checkpoint.openWeights(dense).require("visual.proj"));
    overwrite(Checkpoint.open(target).require("visual_projection.weight"), stored);
    assertThat(verify(dense, target).failures())
        .extracting(VerifyReport.Failure::tensor)
        .containsExactly("visual_projection.weight");
  }

  @Test
  void verificationNeverAsksTheTranslation() {
    noClasses()
        .that()
        .resideInAPackage("dev.upcycle.verify..")
        .should()
        .dependOnClassesThat()
        .areAssignableTo(OpenClipNames.class)
        .orShould()
        .dependOnClassesThat()
        .areAssignableTo(ClipMoeName.class)
        .orShould()
        .dependOnClassesThat()
        .areAssignableTo(StoredTensor.class)
        .orShould()
        .dependOnClassesThat()
        .areAssignableTo(Sources.class)
        .check(new ClassFileImporter().importPackages("dev.upcycle"));
  }

  @ParameterizedTest
  @CsvSource({"visual., model.safetensors", "'', ViT-visual.pt"})
  void anImageTowerAloneLeavesOnlyItsProjectionOut(String prefix, String name) {
    Path file = folder.resolve("tower").resolve(name);
    List<FixtureTensor> tensors = ClipFixture.openAiVision(prefix);
    Path dense =
        name.endsWith(".pt")
            ? ClipFixture.torch(file, tensors)
            : folderOf(ClipFixture.safetensors(file, tensors));
    Path twin = folder.resolve("twin");
    ClipFixture.safetensors(twin.resolve(WEIGHTS), ClipFixture.vision());
    ClipFixture.text(twin.resolve("config.json"), ClipFixture.huggingFaceVisionConfig());

    Path target = convert(dense, "clip-vit-4x2");

    assertThat(target.resolve(WEIGHTS))
        .hasSameBinaryContentAs(convert(twin, "clip-vit-4x2").resolve(WEIGHTS));
    assertThat(verify(dense, target).failures()).isEmpty();
    assertThat(Sources.open(dense).notes())
        .anySatisfy(note -> assertThat(note).startsWith(prefix + "proj is left out"));
  }

  @Test
  void whatShapesDoNotSayIsSaid() {
    assertThat(Sources.open(open(Form.BARE_STATE_DICT)).notes())
        .anySatisfy(note ->
            assertThat(note)
                .contains("heads of width 64")
                .contains("quick_gelu")
                .contains("LAION's have gelu"));
    assertThat(Sources.open(open(Form.OPEN_CLIP)).notes())
        .anySatisfy(note -> assertThat(note).contains("activation from open_clip_config.json"));
  }

  @Test
  void withoutTheSettingTheActivationIsOpenClipsOwn() {
    Path dense = open(Form.OPEN_CLIP);
    ClipFixture.text(dense.resolve(CONFIG), ClipFixture.openClipConfig(""));
    assertThat(
            Sources.open(dense).config().json().path("text_config").path("hidden_act").asString())
        .isEqualTo("gelu");
  }

  @Test
  void aWidthOfHeadsIsTaken() {
    Path dense = open(Form.OPEN_CLIP);
    String config = ClipFixture.openClipConfig(QUICK).replace("7}", "7, \"head_width\": 16}");
    ClipFixture.text(dense.resolve(CONFIG), config);
    assertThat(
            Sources.open(dense)
                .config()
                .json()
                .path("vision_config")
                .path("num_attention_heads")
                .asInt())
        .isEqualTo(4);
  }

  @Test
  void numbersBesideTheWeightsGo() {
    List<FixtureTensor> tensors = new ArrayList<>(ClipFixture.openAi("visual.", ""));
    for (String number : List.of("input_resolution", "context_length", "vocab_size")) {
      tensors.add(new FixtureTensor(number, "I64", List.of(), new byte[8]));
    }
    Path dense = folderOf(ClipFixture.safetensors(folder.resolve("n").resolve(WEIGHTS), tensors));
    Path target = convert(dense, "clip-vit-4x2");
    assertThat(verify(dense, target).failures()).isEmpty();
  }

  @Test
  void aTensorThatHuggingFacesClassLacksIsAnErrorNamingIt() {
    String scale = "visual.transformer.resblocks.1.ls_1.gamma";
    List<FixtureTensor> tensors = new ArrayList<>(ClipFixture.openAi("visual.", ""));
    tensors.add(new FixtureTensor(scale, "F32", List.of(64), new byte[256]));
    Path dense = folderOf(ClipFixture.safetensors(folder.resolve("s").resolve(WEIGHTS), tensors));
    assertThatThrownBy(() -> Planner.plan(Sources.open(dense), recipe("clip-vit-4x2")))
        .isInstanceOf(PlanException.class)
        .hasMessageContaining(scale);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "pool_type | \"avg\"",
        "timm_model_name | \"vit_base\"",
        "ls_init_value | 0.1",
        "norm_kwargs | {\"eps\": 1e-6}",
      })
  void aSettingThatChangesTheFunctionIsRefusedByItsName(String key, String value) {
    Path dense = open(Form.OPEN_CLIP);
    String setting = "\"vision_cfg\": {\"" + key + "\": " + value + ", ";
    ClipFixture.text(
        dense.resolve(CONFIG),
        ClipFixture.openClipConfig(QUICK).replace("\"vision_cfg\": {", setting));
    assertThatThrownBy(() -> Sources.open(dense))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("vision_cfg." + key);
  }

  @Test
  void aResnetIsRefused() {
    List<FixtureTensor> tensors =
        List.of(
            new FixtureTensor(
                "visual.attnpool.positional_embedding", "F32", List.of(2, 2), new byte[16]));
    Path dense = folderOf(ClipFixture.safetensors(folder.resolve("r").resolve(WEIGHTS), tensors));
    assertThatThrownBy(() -> Sources.open(dense))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("is a ResNet, which has no feed-forward networks");
  }

  @Test
  void weightsOfNoKnownNamesStillNeedTheirConfig() throws IOException {
    Path dense = huggingFace();
    Files.delete(dense.resolve("config.json"));
    assertThatThrownBy(() -> Sources.open(dense))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("config.json");
  }

  @Test
  void inspectionTellsTheSame() {
    Inspection expected = Inspector.inspect(Checkpoint.open(huggingFace()));
    Inspection actual = Inspector.inspect(Sources.open(open(Form.OPEN_CLIP)));
    assertThat(actual.family()).isEqualTo("clip");
    assertThat(actual.parameters()).isEqualTo(expected.parameters());
    assertThat(actual.verdicts()).isEqualTo(expected.verdicts());
    assertThat(actual.feedForward()).isEqualTo(expected.feedForward());
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

  @ParameterizedTest
  @EnumSource
  void theModelComputesWhatItsTwinDoes(Form form) {
    assertThat(logits(Sources.open(open(form)))).isEqualTo(logits(Checkpoint.open(huggingFace())));
  }
}
