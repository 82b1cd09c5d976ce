package dev.upcycle.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.kernels.tensor.Device;
import dev.upcycle.recipe.Part;
import dev.upcycle.recipe.RecipeText;
import dev.upcycle.recipe.Recipes;
import dev.upcycle.recipe.Setting;
import dev.upcycle.sample.DrawnData;
import dev.upcycle.sample.DrawnModel;
import dev.upcycle.sample.DrawnTokenizer;
import dev.upcycle.sample.SyntheticModel;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// A model that sees, on drawn pictures; a third of the rows of each step have none.
class LlavaTrainTest {
  private static final String STAGES =
      """
      recipe: 1
      target: TARGET
      vision: {scales: [1, 3], experts: {count: 4}, router: {init: {kind: torch_linear}}}
      connector: {experts: {count: 4}, router: {init: {kind: torch_linear}}}
      train:
        defaults:
          batch: 6
          micro_batch: 3
          steps: 2
          data: {path: data/questions.json, images: data/images, template: v1, max_tokens: 64}
          losses: {balance: {kind: cumo, weight: 0.1}, router_z: {weight: 0.01}}
        stages:
          - {name: pretrain, rates: {connector: 1.0e-2}}
          - {name: tune, upcycle: [vision, connector], rates: {all: 1.0e-3}}
      """;

  private static final String HUGGING_FACE =
      """
      {"model_type": "llava", "architectures": ["LlavaForConditionalGeneration"],
       "torch_dtype": "float32", "image_token_index": IMAGE, "scales": [1, 3],
       "vision_feature_layer": -2, "vision_feature_select_strategy": "default",
       "projector_hidden_act": "gelu",
       "text_config": {"model_type": "mistral", "vocab_size": VOCABULARY, "hidden_size": 32,
         "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
         "num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 128},
       "vision_config": {"model_type": "clip_vision_model", "hidden_size": 32,
         "intermediate_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4,
         "image_size": 28, "patch_size": 7, "hidden_act": "quick_gelu"}}
      """;

  @TempDir static Path folder;

  @BeforeAll
  static void draw() {
    DrawnData.writeTo(folder.resolve("data"));
    DrawnModel.writeTo(folder.resolve("dense"));
  }

  private record Run(List<StepReport> steps, Path folder) {
    Checkpoint model(String name) {
      return Checkpoint.open(folder.resolve(name));
    }
  }

  private static TrainRun.Request request(String yaml, String... settings) {
    return request(folder.resolve("dense"), yaml, settings);
  }

  private static TrainRun.Request request(Path model, String yaml, String... settings) {
    RecipeText text =
        new RecipeText("mine.yaml", yaml.replace("TARGET", "cumo"), Optional.of(folder));
    List<Setting> given = Arrays.stream(settings).map(Setting::parse).toList();
    return new TrainRun.Request(
        Checkpoint.open(model), Recipes.resolve(text, given, Map.of()), Device.CPU, 1);
  }

  private static Run run(String name, TrainRun.Request request) {
    List<StepReport> steps = new ArrayList<>();
    TrainListener listener =
        new TrainListener() {
          @Override
          public void stepped(StepReport step) {
            steps.add(step);
          }
        };
    Path out = folder.resolve(name);
    TrainRun.run(request, out, TrainRun.Mode.FRESH, listener);
    return new Run(steps, out);
  }

  private static boolean equal(Checkpoint first, Checkpoint second, String name) {
    TensorEntry one = first.require(name);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment a = first.map(one, arena);
      return a.mismatch(second.map(second.require(name), arena)) < 0;
    }
  }

  @Test
  void aPartTrainsAloneAndPartsBecomeExperts() {
    TrainRun.Request request = request(STAGES, "train.defaults.checkpoint.keep_every=1");
    Run run = run("stages", request);
    Checkpoint tuned = run.model("checkpoints/step-2/model");
    for (String name : request.source().tensors().keySet()) {
      assertThat(equal(request.source(), tuned, name))
          .as(name)
          .isEqualTo(!name.contains("mm_projector"));
    }
    assertThat(run.steps().get(0).losses().routers()).isEmpty();
    assertThat(run.steps().get(2).losses().routers().keySet())
        .containsExactly(Part.VISION, Part.CONNECTOR);
    assertThat(run.model("final").tensors().keySet())
        .contains("model.mm_projector.gate.weight")
        .anyMatch(name -> name.contains("vision_model.encoder.layers.0.experts.3.fc1"));
  }

  /// Routers hang apart from a dense model's loss, so that what fills up is all that can differ.
  @Test
  void imagesOfNothingCountInCumosFormAndNotWhereTheyAreLeftOut() {
    String one = STAGES.replace("steps: 2", "steps: 1");
    Run counted = run("counted", request(one));
    Run leftOut = run("left-out", request(one, "train.defaults.losses.balance.filler=left_out"));
    StepLosses with = counted.steps().get(1).losses();
    StepLosses without = leftOut.steps().get(1).losses();
    assertThat(with.crossEntropy()).isEqualTo(without.crossEntropy());
    assertThat(vision(with).routerZ()).isNotEqualTo(vision(without).routerZ());
    assertThat(vision(with).balance()).isNotEqualTo(vision(without).balance());
  }

  private static RouterMeasures vision(StepLosses losses) {
    return Optional.ofNullable(losses.routers().get(Part.VISION)).orElseThrow();
  }

  @Test
  void onlyCumosFormLooksAtLayersThatAreNotUsed() {
    String one = STAGES.replace("steps: 2", "steps: 1");
    Run all = run("all-layers", request(one));
    Run used = run("used-layers", request(one, "train.defaults.losses.balance={kind: switch}"));
    assertThat(vision(all.steps().get(1).losses()).shares()).hasSize(6);
    assertThat(vision(used.steps().get(1).losses()).shares()).hasSize(4);
  }

  @Test
  void recomputedLayersGiveTheSameSteps() {
    Run kept = run("kept", request(STAGES));
    Run again = run("recomputed", request(STAGES, "train.defaults.recompute=layers"));
    for (int step = 0; step < kept.steps().size(); step++) {
      StepReport expected = kept.steps().get(step);
      assertThat(again.steps().get(step).losses().total())
          .as("step " + step)
          .isCloseTo(expected.losses().total(), Offset.offset(1e-5));
      assertThat(again.steps().get(step).gradientNorm() / expected.gradientNorm())
          .as("step " + step)
          .isCloseTo(1, Offset.offset(1e-4));
    }
  }

  @Test
  void aWeightOfAPartIsItsOwn() {
    String one = STAGES.replace("steps: 2", "steps: 1");
    Run run = run("own", request(one, "train.defaults.losses.balance.parts={vision: 0.5}"));
    StepLosses losses = run.steps().get(1).losses();
    double sum = losses.crossEntropy();
    for (Map.Entry<Part, RouterMeasures> part : losses.routers().entrySet()) {
      double weight = part.getKey() == Part.VISION ? 0.5 : 0.1;
      sum += weight * part.getValue().balance() + 0.01 * part.getValue().routerZ();
    }
    assertThat(losses.total()).isCloseTo(sum, Offset.offset(1e-9));
  }

  @Test
  void aModelOfTransformersNamesKeepsTheTowerDenseWhereOnlyTheConnectorBecomesExperts()
      throws IOException {
    Path dense = folder.resolve("hugging-face");
    String config =
        HUGGING_FACE
            .replace("IMAGE", String.valueOf(DrawnTokenizer.image()))
            .replace("VOCABULARY", String.valueOf(DrawnTokenizer.vocabulary()));
    new SyntheticModel(
            ModelConfig.of((ObjectNode) JsonMapper.shared().readTree(config)), Long.MAX_VALUE)
        .write(dense);
    DrawnTokenizer.writeTo(dense);
    Files.copy(
        folder.resolve("dense/preprocessor_config.json"),
        dense.resolve("preprocessor_config.json"));
    String yaml =
        STAGES
            .replace("target: TARGET\n", "")
            .replace("steps: 2", "steps: 1")
            .replace("upcycle: [vision, connector]", "upcycle: connector");
    Run run = run("connector-alone", request(dense, yaml));
    assertThat(run.steps().get(1).losses().routers().keySet()).containsExactly(Part.CONNECTOR);
    Checkpoint left = run.model("final");
    assertThat(left.config().modelType()).isEqualTo("llava_moe");
    assertThat(left.tensors().keySet())
        .noneMatch(name -> name.contains("vision") && name.contains("experts"))
        .anyMatch(name -> name.contains("projector") && name.contains("experts"));
  }
}
