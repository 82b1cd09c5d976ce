package dev.upcycle.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.kernels.moe.NoiseCounter;
import dev.upcycle.kernels.moe.RoutingPass;
import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Device;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@ExtendWith(ScopePerTest.class)
class VisionBindingTest {
  /// Of a layer of equal experts against the dense one, in float32; of a tower, times the root of
  /// the number of layers.
  private static final double EQUAL = 1e-6;

  private static final int LAYERS = 3;
  private static final Map<String, String> MIXTURES =
      Map.of(
          "clip-vision", "clip_moe_vision_model",
          "siglip-vision", "siglip_moe_vision_model",
          "vit", "vit_moe");

  @TempDir Path folder;

  private static Tensor seen(Checkpoint checkpoint, GoldenCase golden) {
    try (VisionTower tower = VisionTower.open(checkpoint, ModelOptions.cpu());
        Gradients.Pause _ = Gradients.pause()) {
      VisionOutput output = tower.forward(golden.tensor("pixel_values"), ForwardPass.plain());
      return output.findPooled().orElse(output.hidden());
    }
  }

  private static Tensor answered(Checkpoint checkpoint, GoldenCase golden) {
    try (LlavaModel model = LlavaModel.open(checkpoint, ModelOptions.cpu());
        Gradients.Pause _ = Gradients.pause()) {
      return model
          .forward(golden.ids(), golden.tensor("pixel_values"), ForwardPass.plain())
          .logits();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "clip-vision, 1", "clip-vision, 2", "clip-vision, 3",
    "siglip-vision, 1", "siglip-vision, 2", "siglip-vision, 3",
    "vit, 1", "vit, 2", "vit, 3"
  })
  void aTowerOfEqualExpertsComputesWhatTheDenseOneDoes(String name, long seed) throws IOException {
    GoldenCase golden = GoldenCase.vision(name);
    EditedModel edited =
        Mixtures.tower(EditedModel.of(golden.checkpoint()), "", seed)
            .config("model_type", "\"" + MIXTURES.get(name) + "\"")
            .config("num_experts", "4")
            .config("num_experts_per_tok", "2");
    Checkpoint mixture = edited.write(folder.resolve("mixture"));
    Tensor dense = seen(golden.checkpoint(), golden);
    assertThat(GoldenCase.relativeError(dense, seen(mixture, golden)))
        .isLessThan(EQUAL * Math.sqrt(LAYERS));
    try (VisionTower before = VisionTower.open(golden.checkpoint(), ModelOptions.cpu());
        VisionTower after = VisionTower.open(mixture, ModelOptions.cpu());
        Gradients.Pause _ = Gradients.pause()) {
      Tensor hidden = before.embed(golden.tensor("pixel_values"));
      var context = new TransformerLayer.Context(null, RoutingPass.Infer.ofAll(), null);
      for (int layer = 0; layer < before.layers().size(); layer++) {
        LayerOutput theirs = after.layers().get(layer).forward(hidden, context);
        assertThat(theirs.findRouting()).isPresent();
        hidden = before.layers().get(layer).forward(hidden, context).hidden();
        assertThat(GoldenCase.relativeError(hidden, theirs.hidden())).isLessThan(EQUAL);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void aConnectorOfEqualExpertsComputesWhatTheDenseOneDoes(long seed) throws IOException {
    GoldenCase golden = GoldenCase.vision("llava");
    Checkpoint mixture =
        Mixtures.connector(EditedModel.of(golden.checkpoint()), seed)
            .write(folder.resolve("mixture"));
    Tensor dense = answered(golden.checkpoint(), golden);
    assertThat(GoldenCase.relativeError(dense, answered(mixture, golden))).isLessThan(EQUAL);
  }

  @Test
  void anExpertOfTheOppositeSignIsSeen() throws IOException {
    GoldenCase golden = GoldenCase.vision("clip-vision");
    EditedModel edited =
        Mixtures.tower(EditedModel.of(golden.checkpoint()), "", 1)
            .config("model_type", "\"clip_moe_vision_model\"")
            .config("num_experts", "4")
            .config("num_experts_per_tok", "2");
    String down = "vision_model.encoder.layers.0.mlp.experts.1.fc2.weight";
    for (int i = 0; i < edited.shape(down).get(0) * edited.shape(down).get(1); i++) {
      edited.signFlipped(down, i);
    }
    Tensor dense = seen(golden.checkpoint(), golden);
    Tensor wrong = seen(edited.write(folder.resolve("wrong")), golden);
    assertThat(GoldenCase.relativeError(dense, wrong)).isGreaterThan(0.01);
  }

  @ParameterizedTest
  @CsvSource({"clip-vision, vision_model.", "siglip-vision, vision_model."})
  void aTowerThatTransformersFiveSavedIsTheSame(String name, String level) throws IOException {
    GoldenCase golden = GoldenCase.vision(name);
    Checkpoint saved =
        EditedModel.of(golden.checkpoint()).renamedStarts(level, "").write(folder.resolve("saved"));
    assertThat(seen(saved, golden).isEqualTo(seen(golden.checkpoint(), golden))).isTrue();
    try (VisionTower tower = VisionTower.open(saved, ModelOptions.cpu())) {
      assertThat(tower.parameters().sequencedKeySet()).contains("post_layernorm.weight");
    }
  }

  @Test
  void aLlavaThatTransformersFiveSavedIsTheSame() throws IOException {
    GoldenCase golden = GoldenCase.vision("llava");
    Checkpoint saved =
        EditedModel.of(golden.checkpoint())
            .renamedStarts("vision_tower.vision_model.", "vision_tower.")
            .write(folder.resolve("saved"));
    assertThat(answered(saved, golden).isEqualTo(answered(golden.checkpoint(), golden))).isTrue();
  }

  @Test
  void aTextEndsAtItsLargestIdWhereTheConfigHasTheWrongEnd() throws IOException {
    GoldenCase golden = GoldenCase.vision("clip");
    EditedModel edited = EditedModel.of(golden.checkpoint());
    String text = edited.config("text_config").toString();
    Checkpoint wrong =
        edited
            .config("text_config", text.replace("\"eos_token_id\":7", "\"eos_token_id\":2"))
            .write(folder.resolve("wrong"));
    try (ClipModel model = ClipModel.open(wrong, ModelOptions.cpu())) {
      TextTower.Output output = model.text().forward(golden.ids(), ForwardPass.plain());
      long[] ends = golden.ids().argmax().toLongs();
      for (int row = 0; row < ends.length; row++) {
        Tensor state = output.hidden().narrow(0, row, 1).narrow(1, ends[row], 1).view(1, -1);
        assertThat(output.pooled().narrow(0, row, 1).isEqualTo(state)).isTrue();
      }
    }
  }

  @Test
  void theStateBeforeTheLastLayerNeedsNoGradientOfTheLast() {
    GoldenCase golden = GoldenCase.vision("llava");
    try (LlavaModel model = LlavaModel.open(golden.checkpoint(), ModelOptions.cpu())) {
      model.parameters().values().forEach(Gradients::track);
      ForwardPass pass =
          ForwardPass.training(new RoutingPass.Train(new NoiseCounter(1, 0, 0, 0, 0), null));
      Tensor logits = model.forward(golden.ids(), golden.tensor("pixel_values"), pass).logits();
      Gradients.backward(logits.square().mean());
      String layer = "vision_tower.vision_model.encoder.layers.%d.mlp.fc1.weight";
      assertThat(gradient(model, layer.formatted(1))).isTrue();
      assertThat(gradient(model, layer.formatted(2))).isFalse();
    }
  }

  private static boolean gradient(LlavaModel model, String name) {
    return Gradients.find(Objects.requireNonNull(model.parameters().get(name))).isPresent();
  }

  @Test
  void aConnectorForOneScaleCannotFeedTwo() throws IOException {
    GoldenCase golden = GoldenCase.vision("llava");
    Checkpoint checkpoint =
        EditedModel.of(golden.checkpoint())
            .config("scales", "[1, 3]")
            .write(folder.resolve("scales"));
    assertThatThrownBy(() -> LlavaModel.open(checkpoint, ModelOptions.cpu()))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("linear_1.weight is [32, 32], expected [32, 64]");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "scales|[0]|config.json: scales is [0]",
        "vision_feature_layer|-5|vision_feature_layer in config.json is -5, expected -4 to 3",
        "vision_feature_select_strategy|\"most\"|expected default or full",
        "projector_hidden_act|\"mish\"|hidden_act is \"mish\""
      })
  void aCompositionThatIsNotBuiltIsRefusedByItsKey(String key, String value, String named)
      throws IOException {
    GoldenCase golden = GoldenCase.vision("llava");
    Checkpoint checkpoint =
        EditedModel.of(golden.checkpoint()).config(key, value).write(folder.resolve("other"));
    assertThatThrownBy(() -> answered(checkpoint, golden))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining(named);
  }

  @Test
  void aModelOfAnotherKindIsRefused() {
    Checkpoint tower = GoldenCase.vision("vit").checkpoint();
    Checkpoint decoder = GoldenCase.read("qwen2").checkpoint();
    assertThatThrownBy(() -> ClipModel.open(tower, ModelOptions.cpu()))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("is a vit, expected a CLIP or a SigLIP with both towers");
    assertThatThrownBy(() -> LlavaModel.open(tower, ModelOptions.cpu()))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("is a vit, expected a LLaVA");
    assertThatThrownBy(() -> VisionTower.open(decoder, ModelOptions.cpu()))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("is a qwen2, expected an image tower");
  }

  @Test
  void aTensorThatNoPartHasAPlaceForIsRefused() throws IOException {
    GoldenCase golden = GoldenCase.vision("clip");
    Checkpoint more =
        EditedModel.of(golden.checkpoint())
            .copied("logit_scale", "logit_bias")
            .write(folder.resolve("more"));
    assertThatThrownBy(() -> ClipModel.open(more, ModelOptions.cpu()))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("logit_bias [] is left over");
  }

  @ParameterizedTest
  @ValueSource(strings = {"clip-vision-moe", "siglip-vision-moe", "vit-moe"})
  void cuMosNumericsChangeABfloat16TowerWithinItsRounding(String name) throws IOException {
    GoldenCase golden = GoldenCase.vision(name);
    Checkpoint wide =
        EditedModel.of(golden.checkpoint())
            .config("router_numerics", "\"float32\"")
            .write(folder.resolve("wide"));
    ModelOptions options = new ModelOptions(Device.CPU, DType.BF16);
    try (VisionTower rounded = VisionTower.open(golden.checkpoint(), options);
        VisionTower plain = VisionTower.open(wide, options);
        Gradients.Pause _ = Gradients.pause()) {
      Tensor pixels = golden.tensor("pixel_values");
      Tensor ours = rounded.forward(pixels, ForwardPass.plain()).hidden();
      Tensor other = plain.forward(pixels, ForwardPass.plain()).hidden();
      assertThat(GoldenCase.relativeError(other, ours)).isBetween(1e-4, 0.03);
    }
  }
}
