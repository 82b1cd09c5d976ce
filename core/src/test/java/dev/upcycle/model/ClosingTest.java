package dev.upcycle.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Device;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.sample.SampleModel;
import dev.upcycle.text.TextModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// A model lets its files go when it is closed, and when it never comes about.
class ClosingTest {
  private static final Path MAPS = Path.of("/proc/self/maps");

  @TempDir private Path folder;

  @BeforeEach
  void onlyLinuxTellsMappedFilesThisWay() {
    assumeTrue(Files.exists(MAPS));
  }

  /// The mappings of this test's own files.
  private List<String> mappings() throws IOException {
    return Files.readAllLines(MAPS).stream()
        .filter(line -> line.contains(folder.toString()))
        .toList();
  }

  /// Opens a model of any kind, which must fail.
  private static void openInVain(Checkpoint checkpoint) {
    try (TensorScope _ = TensorScope.open()) {
      assertThatThrownBy(() -> open(checkpoint).close())
          .isInstanceOf(CheckpointFormatException.class);
    }
  }

  /// In the type that it is stored in, of which nothing is copied.
  private static AutoCloseable open(Checkpoint checkpoint) {
    ModelOptions bf16 = new ModelOptions(Device.CPU, DType.BF16);
    return switch (checkpoint.config().modelType()) {
      case "llava" -> LlavaModel.open(checkpoint, bf16);
      case "clip" -> ClipModel.open(checkpoint, bf16);
      case "clip_vision_model" -> VisionTower.open(checkpoint, bf16);
      default -> DecoderModel.open(checkpoint, bf16);
    };
  }

  private EditedModel copy(String name) {
    return EditedModel.of(
        (name.startsWith("mistral") ? GoldenCase.read(name) : GoldenCase.vision(name))
            .checkpoint());
  }

  @ParameterizedTest
  @ValueSource(strings = {"mistral-plain", "clip-vision", "clip", "llava"})
  void modelInMemoryMapsItsFilesUntilItIsClosed(String name) throws Exception {
    Checkpoint checkpoint = copy(name).write(folder.resolve("model"));
    try (TensorScope _ = TensorScope.open();
        AutoCloseable _ = open(checkpoint)) {
      assertThat(mappings()).isNotEmpty();
    }
    assertThat(mappings()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "mistral-plain, model.layers.1.mlp.up_proj.weight",
    "clip-vision, vision_model.post_layernorm.weight",
    "clip, vision_model.post_layernorm.weight",
    "clip, text_model.final_layer_norm.weight",
    "llava, multi_modal_projector.linear_2.weight",
    "llava, language_model.model.norm.weight"
  })
  void modelThatLacksATensorLeavesNothingMapped(String name, String tensor) throws IOException {
    openInVain(copy(name).without(tensor).write(folder.resolve("model")));

    assertThat(mappings()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {"mistral-plain | hidden_act | \"relu\"", "llava | projector_hidden_act | \"mish\""})
  void modelWhoseConfigIsRefusedAfterItsWeightsAreMappedLeavesNothingMapped(
      String name, String key, String value) throws IOException {
    openInVain(copy(name).config(key, value).write(folder.resolve("model")));

    assertThat(mappings()).isEmpty();
  }

  @Test
  void modelWithTokenizerMapsItsFilesUntilItIsClosed() throws IOException {
    SampleModel.writeTo(folder.resolve("sample"));
    try (TextModel _ = TextModel.open(folder.resolve("sample"), "cpu", "bf16")) {
      assertThat(mappings()).isNotEmpty();
    }
    assertThat(mappings()).isEmpty();
  }

  @Test
  void modelWithTokenizerThatLacksATensorLeavesNothingMapped() throws IOException {
    SampleModel.writeTo(folder.resolve("sample"));
    Path broken = folder.resolve("broken");
    copy("llava").without("language_model.model.norm.weight").write(broken);
    Files.copy(folder.resolve("sample/tokenizer.json"), broken.resolve("tokenizer.json"));

    assertThatThrownBy(() -> TextModel.open(broken, "cpu", "bf16"))
        .isInstanceOf(CheckpointFormatException.class);

    assertThat(mappings()).isEmpty();
  }
}
