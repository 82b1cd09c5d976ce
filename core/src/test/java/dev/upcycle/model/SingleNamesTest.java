package dev.upcycle.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Device;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.Tensors;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.node.ObjectNode;

/// The same LLaVA under the names of Hugging Face, of LLaVA and of CuMo.
@ExtendWith(ScopePerTest.class)
class SingleNamesTest {
  private static final String CUMO = "model.vision_tower.";
  private static final String LLAVA = "model.vision_tower.vision_tower.";
  private static final long IMAGE = -200;

  @TempDir Path folder;

  private static Tensor answered(Checkpoint checkpoint, Tensor ids, GoldenCase golden) {
    return answered(checkpoint, ids, golden, ModelOptions.cpu());
  }

  private static Tensor answered(
      Checkpoint checkpoint, Tensor ids, GoldenCase golden, ModelOptions options) {
    try (LlavaModel model = LlavaModel.open(checkpoint, options);
        Gradients.Pause _ = Gradients.pause()) {
      return model.forward(ids, golden.tensor("pixel_values"), ForwardPass.plain()).logits();
    }
  }

  /// The ids with LLaVA's own mark in the places of the golden model's.
  private static Tensor marked(GoldenCase golden, long mark) {
    long[] ids = Arrays.stream(golden.ids().toLongs()).map(id -> id == mark ? IMAGE : id).toArray();
    return Tensors.of(ids).view(golden.ids().size(0), golden.ids().size(1));
  }

  private static EditedModel renamed(GoldenCase golden, String tower) {
    EditedModel model = EditedModel.of(golden.checkpoint());
    for (String name : model.names()) {
      String own =
          name.replace("vision_tower.", tower)
              .replace("multi_modal_projector.", "model.mm_projector.")
              .replace("linear_1.", "0.")
              .replace("linear_2.", "2.")
              .replace("language_model.", "");
      if (name.startsWith("vision_tower.")) {
        own = own.replace(".mlp.gate.", ".gate.").replace(".mlp.experts.", ".experts.");
      }
      boolean cumo = tower.equals(CUMO) || sparse(golden);
      if (cumo && name.contains("post_layernorm")) {
        model.without(name);
      } else {
        model.renamed(name, own);
      }
    }
    return model.configured(single(golden));
  }

  private static boolean sparse(GoldenCase golden) {
    return golden.checkpoint().config().has("projector_num_experts");
  }

  private static ObjectNode single(GoldenCase golden) {
    ObjectNode whole = golden.checkpoint().config().json();
    ObjectNode json = (ObjectNode) whole.path("text_config");
    boolean sparse = sparse(golden);
    json.put("model_type", "llava_" + json.path("model_type").asString());
    json.put("mm_vision_tower", "openai/clip-vit-large-patch14-336");
    json.put("mm_projector_type", sparse ? "smoe_mlp" : "mlp2x_gelu");
    json.put("mm_vision_select_layer", -2);
    json.put("mm_vision_select_feature", "patch");
    json.put("clip_smoe", sparse);
    json.put("mlp_smoe", sparse);
    json.put("num_experts", sparse ? 4 : 1);
    json.put("num_selected", sparse ? 2 : 1);
    if (whole.has("scales")) {
      json.set("scales", whole.path("scales"));
    }
    ObjectNode vision = ((ObjectNode) whole.path("vision_config")).deepCopy();
    vision.remove("num_experts");
    vision.remove("num_experts_per_tok");
    vision.remove("router_numerics");
    vision.put("model_type", "clip_vision_model");
    json.set("vision_config", vision);
    return json;
  }

  @ParameterizedTest
  @CsvSource({
    "llava, model.vision_tower.",
    "llava, model.vision_tower.vision_tower.",
    "llava-mixtral, model.vision_tower.",
    "llava-mixtral, model.vision_tower.vision_tower.",
    "llava-moe, model.vision_tower.",
    "llava-moe, model.vision_tower.vision_tower."
  })
  void theNamesDoNotChangeALogit(String name, String tower) throws IOException {
    GoldenCase golden = GoldenCase.vision(name);
    long mark = golden.checkpoint().config().requireLong("image_token_index");
    Checkpoint own = renamed(golden, tower).write(folder.resolve("own"));
    Tensor ours = answered(own, marked(golden, mark), golden);
    Tensor theirs = answered(golden.checkpoint(), golden.ids(), golden);
    assertThat(ours.isEqualTo(theirs)).isTrue();
    try (LlavaModel model = LlavaModel.open(own, ModelOptions.cpu())) {
      assertThat(model.imageToken()).isEqualTo(IMAGE);
      assertThat(model.parameters().sequencedKeySet())
          .contains(tower + "vision_model.pre_layrnorm.weight", "lm_head.weight")
          .noneMatch(key -> key.contains("post_layernorm"));
    }
  }

  @Test
  void cumosRoutersRoundAsCumosCodeDoes() throws IOException {
    GoldenCase golden = GoldenCase.vision("llava-moe");
    ModelOptions options = new ModelOptions(Device.CPU, DType.BF16);
    Tensor theirs = answered(golden.checkpoint(), golden.ids(), golden, options);
    Tensor ids = marked(golden, 60);
    Checkpoint own = renamed(golden, CUMO).write(folder.resolve("own"));
    assertThat(answered(own, ids, golden, options).isEqualTo(theirs)).isTrue();
    Checkpoint precise =
        renamed(golden, CUMO)
            .config("router_numerics", "\"float32\"")
            .write(folder.resolve("precise"));
    assertThat(answered(precise, ids, golden, options).isEqualTo(theirs)).isFalse();
  }

  @Test
  void llavaReadsTheStatesThatItsKeysName() throws IOException {
    GoldenCase golden = GoldenCase.vision("llava");
    Tensor ids = marked(golden, 60);
    Checkpoint last =
        renamed(golden, LLAVA).config("mm_vision_select_layer", "-1").write(folder.resolve("last"));
    Checkpoint theirs =
        EditedModel.of(golden.checkpoint())
            .config("vision_feature_layer", "-1")
            .write(folder.resolve("theirs"));
    Tensor logits = answered(last, ids, golden);
    assertThat(logits.isEqualTo(answered(theirs, golden.ids(), golden))).isTrue();
    assertThat(logits.isEqualTo(answered(golden.checkpoint(), golden.ids(), golden))).isFalse();
  }

  @Test
  void cumoReadsTheStatesBeforeTheLastWhateverAKeySays() throws IOException {
    GoldenCase golden = GoldenCase.vision("llava-moe");
    Checkpoint said =
        renamed(golden, CUMO).config("mm_vision_select_layer", "-1").write(folder.resolve("said"));
    Tensor ours = answered(said, marked(golden, 60), golden);
    assertThat(ours.isEqualTo(answered(golden.checkpoint(), golden.ids(), golden))).isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"cls", ""})
  void anUnknownChoiceOfFeaturesIsRefused(String feature) throws IOException {
    Checkpoint model =
        renamed(GoldenCase.vision("llava"), LLAVA)
            .config("mm_vision_select_feature", "\"" + feature + "\"")
            .write(folder.resolve("model"));
    assertThatThrownBy(() -> LlavaModel.open(model, ModelOptions.cpu()))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("mm_vision_select_feature")
        .hasMessageContaining("patch or cls_patch");
  }

  @Test
  void aTensorOfNoPartIsRefusedByName() throws IOException {
    Checkpoint model =
        renamed(GoldenCase.vision("llava"), LLAVA)
            .copied("model.norm.weight", "model.image_newline")
            .write(folder.resolve("model"));
    assertThatThrownBy(() -> LlavaModel.open(model, ModelOptions.cpu()))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("model.image_newline");
  }
}
