package dev.upcycle.arch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.checkpoint.TensorSpec;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// Image towers, text towers and connectors; counts of parameters from the published models'
/// configs.
class TowersTest {
  private static final String LARGE =
      "\"hidden_size\": 1024, \"intermediate_size\": 4096, \"num_hidden_layers\": 24,"
          + " \"num_attention_heads\": 16, \"patch_size\": 14, \"image_size\": 336";

  private static ModelConfig config(String members) {
    return ModelConfig.of((ObjectNode) JsonMapper.shared().readTree("{" + members + "}"));
  }

  private static long parameters(String family, String members) {
    return Architecture.require(family).slots(config(members)).stream()
        .mapToLong(slot -> slot.shape().elements())
        .sum();
  }

  private static List<String> names(String family, String members) {
    return Architecture.require(family).expected(config(members), DType.F32).stream()
        .map(TensorSpec::name)
        .toList();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "clip_vision_model | | 87456000",
        "siglip_vision_model | | 92884224",
        "vit | | 85798656",
        "clip_text_model | | 63165952",
        "siglip_text_model | | 110271744"
      })
  void aBareConfigMeansTheClassesDefaults(String family, String members, long parameters) {
    assertThat(parameters(family, members == null ? "" : members)).isEqualTo(parameters);
  }

  @Test
  void fourExpertsMakeOfClipLargeWhatIsPublished() {
    assertThat(parameters("clip_vision_model", LARGE)).isEqualTo(303_507_456);
    assertThat(parameters("clip_moe_vision_model", LARGE))
        .isEqualTo(303_507_456 + 3L * 24 * 8_393_728 + 24 * 4 * 1024);
  }

  @Test
  void aPatchThatDoesNotFitTheImageIsCutOff() {
    Dimensions sizes =
        Dimensions.of(
            Architecture.require("siglip_vision_model"),
            config("\"image_size\": 384, \"patch_size\": 14"));
    assertThat(sizes.require("positions")).isEqualTo(27 * 27);
  }

  @Test
  void onlyListedLayersHaveExperts() {
    List<String> names =
        names("clip_moe_vision_model", "\"num_hidden_layers\": 3, \"moe_layers\": [1]");
    assertThat(names)
        .contains(
            "vision_model.encoder.layers.0.mlp.fc1.weight",
            "vision_model.encoder.layers.1.mlp.gate.weight",
            "vision_model.encoder.layers.1.mlp.experts.3.fc2.bias",
            "vision_model.encoder.layers.2.mlp.fc2.bias")
        .doesNotContain(
            "vision_model.encoder.layers.0.mlp.gate.weight",
            "vision_model.encoder.layers.1.mlp.fc1.weight");
  }

  @Test
  void noListMeansEveryLayer() {
    assertThat(Architecture.require("vit_moe").sparseLayers(config(""))).isEqualTo(12);
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 5})
  void aConnectorIsAsDeepAsItsConfigSays(int depth) {
    String members = "\"input_size\": 8, \"hidden_size\": 6, \"depth\": " + depth;
    List<String> dense = names("mlp", members);
    assertThat(dense).hasSize(2 * depth).contains("linear_1.weight", "linear_" + depth + ".bias");
    assertThat(names("mlp_moe", members + ", \"num_experts\": 2")).hasSize(1 + 4 * depth);
  }

  @Test
  void aConnectorsLaterLinearsCountFromTwo() {
    Architecture connector = Architecture.require("mlp_moe");
    TemplateMatch match = connector.match("experts.1.linear_4.weight").orElseThrow();
    assertThat(match.template().role()).isEqualTo(Role.EXPERT_DOWN);
    assertThat(match.layer()).isEqualTo(OptionalInt.of(2));
    assertThat(match.expert()).isEqualTo(OptionalInt.of(1));
    assertThat(connector.match("experts.1.linear_0.weight")).isEmpty();
  }

  @Test
  void aConnectorMayBeOneLinearAndNotNone() {
    assertThat(names("mlp", "\"input_size\": 8, \"hidden_size\": 6, \"depth\": 1"))
        .containsExactlyInAnyOrder("linear_1.weight", "linear_1.bias");
    assertThatThrownBy(
            () -> parameters("mlp", "\"input_size\": 8, \"hidden_size\": 6, \"depth\": 0"))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("depth");
  }

  @ParameterizedTest
  @CsvSource({
    "clip_vision_model, clip_moe_vision_model",
    "clip_text_model, clip_moe_text_model",
    "siglip_text_model, siglip_moe_text_model",
    "siglip_vision_model, siglip_moe_vision_model",
    "vit, vit_moe",
    "mlp, mlp_moe"
  })
  void everyTensorOfTheMixtureHasADenseSource(String dense, String mixture) {
    Architecture source = Architecture.require(dense);
    for (TensorTemplate template : Architecture.require(mixture).templates()) {
      if (template.role().kind() == Role.Kind.EXPERT) {
        assertThat(source.template(template.role().denseCounterpart().orElseThrow()).shape())
            .isEqualTo(template.shape());
      } else if (template.role() != Role.ROUTER) {
        assertThat(source.templates())
            .anyMatch(
                own -> own.pattern().equals(template.pattern()) && own.role() == template.role());
      }
    }
  }
}
