package dev.upcycle.arch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.ModelConfig;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// Which layers see a window and which have experts, as the classes of transformers 5 decide it.
class LayerRulesTest {
  private static final int LAYERS = 4;

  private static ModelConfig config(String members) {
    return ModelConfig.of((ObjectNode) JsonMapper.shared().readTree("{" + members + "}"));
  }

  private static List<Integer> sliding(String family, String members) {
    Architecture architecture = Architecture.require(family);
    ModelConfig config = config(members);
    return IntStream.range(0, LAYERS)
        .filter(layer -> architecture.slidingWindow(config, layer).isPresent())
        .boxed()
        .toList();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "llama | \"sliding_window\": 8 | []",
        "mistral | \"sliding_window\": 8 | [0, 1, 2, 3]",
        "mistral | | [0, 1, 2, 3]",
        "mistral | \"sliding_window\": null | []",
        "mixtral | | []",
        "mixtral | \"sliding_window\": 8 | [0, 1, 2, 3]",
        "qwen2 | \"sliding_window\": 8, \"max_window_layers\": 1 | []",
        "qwen2 | \"use_sliding_window\": true, \"max_window_layers\": 1 | [1, 2, 3]",
        "qwen3 | \"use_sliding_window\": true, \"max_window_layers\": 3 | [3]",
        "qwen3 | \"use_sliding_window\": true | []",
        "qwen2_moe | \"use_sliding_window\": true | [0, 2]",
        "qwen2_moe | \"use_sliding_window\": true, \"max_window_layers\": 2 | [0]",
        "qwen3_moe | \"use_sliding_window\": true | [0, 1, 2, 3]",
        "qwen3_moe | | []"
      })
  void eachFamilyHasItsOwnLayersThatSlide(String family, String members, String layers) {
    assertThat(sliding(family, members == null ? "" : members)).hasToString(layers);
  }

  @Test
  void layerTypesSayWhichLayersSlide() {
    String members =
        "\"use_sliding_window\": true, \"layer_types\": [\"full_attention\","
            + " \"sliding_attention\", \"full_attention\", \"full_attention\"]";
    assertThat(sliding("qwen2", members)).containsExactly(1);
    assertThat(sliding("qwen2_moe", members)).containsExactly(1);
  }

  @Test
  void aLayerTypeThatIsNotBuiltIsRefused() {
    String members = "\"use_sliding_window\": true, \"layer_types\": [\"linear_attention\"]";
    assertThatThrownBy(() -> sliding("qwen3", members))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("layer_types");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"decoder_sparse_step\": 1 | 4",
        "\"decoder_sparse_step\": 2 | 2",
        "\"mlp_only_layers\": [0, 3] | 2",
        "\"decoder_sparse_step\": 2, \"mlp_only_layers\": [3] | 1",
        "\"mlp_only_layers\": null | 4"
      })
  void stepAndListSayWhichLayersHaveExperts(String members, int layers) {
    ModelConfig config = qwen(members);
    Architecture family = Architecture.require("qwen3_moe");
    assertThat(family.sparseLayers(config)).isEqualTo(layers);
    assertThat(family.slots(config).stream().filter(slot -> slot.role() == Role.ROUTER).count())
        .isEqualTo(layers);
    assertThat(family.slots(config).stream().filter(slot -> slot.role() == Role.FFN_GATE).count())
        .isEqualTo(LAYERS - layers);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"decoder_sparse_step\": 0 | decoder_sparse_step",
        "\"mlp_only_layers\": 3 | mlp_only_layers",
        "\"mlp_only_layers\": [\"a\"] | mlp_only_layers"
      })
  void aRuleOfAnotherKindIsRefusedNamingTheKey(String members, String key) {
    assertThatThrownBy(() -> Architecture.require("qwen3_moe").sparseLayers(qwen(members)))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining(key);
  }

  @Test
  void theExpertsOfQwen3MoeMayBeSpelledAsVersion5Does() {
    ModelConfig config = qwen("\"num_local_experts\": 6");
    ObjectNode other = config.json();
    other.remove("num_experts");
    Architecture family = Architecture.require("qwen3_moe");
    assertThat(Dimensions.of(family, ModelConfig.of(other)).experts()).isEqualTo(6);
  }

  private static ModelConfig qwen(String members) {
    return config(
        "\"vocab_size\": 8, \"hidden_size\": 4, \"intermediate_size\": 4, \"num_hidden_layers\": "
            + LAYERS
            + ", \"num_attention_heads\": 2, \"num_key_value_heads\": 2, \"num_experts\": 3,"
            + " \"num_experts_per_tok\": 2, \"moe_intermediate_size\": 4, "
            + members);
  }
}
