package dev.upcycle.convert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;
import static org.assertj.core.api.Assertions.within;

import dev.upcycle.arch.Composition;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.estimate.Estimate;
import dev.upcycle.estimate.Parameters;
import dev.upcycle.estimate.PartShare;
import dev.upcycle.plan.BareSource;
import dev.upcycle.plan.MissingPartsException;
import dev.upcycle.plan.Planner;
import dev.upcycle.plan.UpcyclePlan;
import dev.upcycle.recipe.Part;
import dev.upcycle.recipe.Recipes;
import dev.upcycle.recipe.ResolvedRecipe;
import dev.upcycle.sample.SmokeResult;
import dev.upcycle.sample.SmokeRun;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// The shipped recipes for LLaVA, on tiny models and on the published sizes.
class ComposedRecipesTest {
  private static final String LARGE =
      "{\"model_type\": \"clip_vision_model\", \"hidden_size\": 1024, \"intermediate_size\": 4096,"
          + " \"num_hidden_layers\": 24, \"num_attention_heads\": 16, \"patch_size\": 14,"
          + " \"image_size\": 336}";
  private static final String MISTRAL =
      "{\"model_type\": \"mistral\", \"vocab_size\": 32000, \"hidden_size\": 4096,"
          + " \"intermediate_size\": 14336, \"num_hidden_layers\": 32,"
          + " \"num_attention_heads\": 32, \"num_key_value_heads\": 8, \"sliding_window\": null}";

  private static ResolvedRecipe recipe(String name) {
    return Recipes.resolve(Recipes.text(name, Path.of("")), List.of(), Map.of());
  }

  private static ModelConfig llava(String vision, String language, String scales) {
    return ModelConfig.of(
        (ObjectNode)
            JsonMapper.shared()
                .readTree(
                    "{\"model_type\": \"llava\", \"torch_dtype\": \"bfloat16\", \"vision_config\": "
                        + vision
                        + ", \"text_config\": "
                        + language
                        + ", \"scales\": "
                        + scales
                        + "}"));
  }

  private static Parameters counts(UpcyclePlan plan, Part part) {
    Composition composition = Composition.written(plan.targetConfig(), Set.of());
    return Parameters.of(
        plan.tensors().stream()
            .filter(tensor ->
                composition
                    .owner(tensor.name())
                    .filter(owner -> owner.part().equals(Optional.of(part)))
                    .isPresent())
            .toList(),
        composition);
  }

  @ParameterizedTest
  @ValueSource(strings = {"cumo-mistral-7b", "cumo-mistral-4x7b", "llava-4x2", "moe-llava-1.5-7b"})
  void smokePassesEveryStage(String name) {
    assertThat(SmokeRun.run(List.of(Recipes.text(name, Path.of(""))), result -> {}))
        .isNotEmpty()
        .allSatisfy(result ->
            assertThat(result.outcome())
                .as(result.stage() + ": " + result.detail())
                .isEqualTo(SmokeResult.Outcome.PASSED));
  }

  @Test
  void thePublishedCountsOfCumoFollowFromConfigsAlone() {
    UpcyclePlan plan = Planner.plan(llava(LARGE, MISTRAL, "[1, 3]"), recipe("cumo-mistral-7b"));

    Parameters vision = counts(plan, Part.VISION);
    assertThat(vision.total() / 1e9).isBetween(0.905, 0.915);
    assertThat(vision.active() / 1e9).isBetween(0.495, 0.506);
    Parameters connector = counts(plan, Part.CONNECTOR);
    assertThat(connector.total() / 1e9).isBetween(0.095, 0.105);
    assertThat(connector.active() / 1e9).isBetween(0.045, 0.055);
    Parameters all = Estimate.of(plan).parameters();
    // The table adds rounded parts: 7.25 of the decoder, of which 7.24 are there.
    assertThat(all.total() / 1e9).isCloseTo(8.26, within(0.01));
    assertThat(all.active() / 1e9).isCloseTo(7.80, within(0.01));
    assertThat(plan.targetConfig().json().path("mm_vision_tower").asString())
        .isEqualTo("openai/clip-vit-large-patch14-336");
  }

  @Test
  void partsWithoutWeightsOrConnectorGiveTheSameTable() {
    Map<Part, ModelConfig> parts =
        Map.of(Part.VISION, config(LARGE), Part.LANGUAGE, config(MISTRAL));
    BareSource bare = BareSource.of(parts, List.of(1, 3));
    Estimate estimate = Estimate.of(Planner.plan(bare, recipe("cumo-mistral-7b")));

    assertThat(bare.notes())
        .containsExactly(
            "no connector is given: it is taken to be 2 linear layers from 2048 (2 x the tower's 1024,"
                + " since vision.scales is [1, 3]) to the decoder's 4096");
    assertThat(estimate.denseParameters() / 1e9).isCloseTo(7.57, within(0.005));
    assertThat(estimate.parameters().total() / 1e9).isCloseTo(8.25, within(0.005));
    assertThat(estimate.parameters().active() / 1e9).isCloseTo(7.80, within(0.005));
    assertThat(estimate.parts())
        .extracting(share -> share.part().orElseThrow(), PartShare::dense)
        .containsExactly(
            tuple(Part.VISION, 303_505_408L),
            tuple(Part.CONNECTOR, 25_174_016L),
            tuple(Part.LANGUAGE, 7_241_732_096L));
  }

  @Test
  void aConnectorOfAnotherWidthDecidesTheScales() {
    Map<Part, ModelConfig> parts =
        Map.of(
            Part.VISION,
            config(LARGE),
            Part.LANGUAGE,
            config(MISTRAL),
            Part.CONNECTOR,
            config("{\"model_type\": \"mlp\", \"input_size\": 1024, \"hidden_size\": 4096}"));
    BareSource bare = BareSource.of(parts, List.of(1, 3));
    assertThat(bare.notes()).isEmpty();
    assertThatThrownBy(() -> Planner.plan(bare, recipe("cumo-mistral-7b")))
        .hasMessageContaining("the model's connector takes 1024, as scales [1] do");
  }

  @Test
  void aDecoderWithoutATowerIsAsked() {
    Map<Part, ModelConfig> parts =
        Map.of(
            Part.LANGUAGE,
            config(MISTRAL),
            Part.CONNECTOR,
            config("{\"model_type\": \"mlp\", \"input_size\": 1024, \"hidden_size\": 4096}"));
    assertThatThrownBy(() -> BareSource.of(parts, List.of(1)))
        .isInstanceOf(MissingPartsException.class)
        .hasMessageContaining("--model vision=PATH");
  }

  private static ModelConfig config(String json) {
    return ModelConfig.of((ObjectNode) JsonMapper.shared().readTree(json));
  }

  @Test
  void theDenseModelHasThePublishedCount() {
    long dense =
        Composition.read(llava(LARGE, MISTRAL, "[1, 3]"), Set.of())
            .slots()
            .mapToLong(slot -> slot.shape().elements())
            .sum();
    assertThat(dense / 1e9).isBetween(7.565, 7.585);
  }

  @Test
  void aConfigWithoutTheSizesOfItsClassMeansTheClassesOwn() {
    UpcyclePlan plan =
        Planner.plan(
            llava(
                LARGE,
                "{\"model_type\": \"llama\", \"vocab_size\": 32064, \"max_position_embeddings\":"
                    + " 4096, \"rms_norm_eps\": 1e-05}",
                "[1]"),
            recipe("moe-llava-1.5-7b"));
    Parameters counts = Estimate.of(plan).parameters();
    long feedForward = 3L * 4096 * 11008;
    long dense = 7_063_427_072L;
    assertThat(counts.total()).isEqualTo(dense + 16 * (3 * feedForward + 4 * 4096));
    assertThat(counts.active()).isEqualTo(dense + 16 * (feedForward + 4 * 4096));
    assertThat(plan.targetConfig().json().path("text_config").path("moe_layers").size())
        .isEqualTo(16);
  }
}
