package dev.upcycle.arch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.ModelConfig;
import java.util.Map;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

class DimensionBoundsTest {
  private static Dimensions of(String family, Map<String, Long> changes) {
    ObjectNode config = JsonNodeFactory.instance.objectNode();
    config.put("vocab_size", 256).put("hidden_size", 64).put("intermediate_size", 96);
    config.put("num_hidden_layers", 2).put("num_attention_heads", 4);
    config.put("num_key_value_heads", 2).put("head_dim", 16);
    changes.forEach(config::put);
    return Dimensions.of(Architecture.require(family), ModelConfig.of(config));
  }

  @Test
  void theLargestModelsAreInside() {
    assertThat(
            of(
                    "mixtral",
                    Map.of(
                        "hidden_size", 16_384L,
                        "intermediate_size", 65_536L,
                        "num_hidden_layers", 500L,
                        "num_local_experts", 64L))
                .layers())
        .isEqualTo(500);
  }

  @Test
  void moreParametersThanBytesCanBeCountedForIsAComplaint() {
    assertComplaint(
        "llama",
        Map.of("hidden_size", 1_000_000_000L, "intermediate_size", 1_000_000_000L),
        "parameters");
  }

  @Test
  void moreTensorsThanAHeapHoldsIsAComplaint() {
    assertComplaint(
        "mixtral", Map.of("num_hidden_layers", 100_000L, "num_local_experts", 60_000L), "tensors");
  }

  @Test
  void aCacheThatCannotBeCountedIsAComplaint() {
    assertComplaint(
        "llama",
        Map.of(
            "num_attention_heads", 1_000_000L,
            "num_key_value_heads", 1_000_000L,
            "head_dim", 1_000_000L,
            "hidden_size", 1L),
        "multiply to more than");
  }

  private static void assertComplaint(String family, Map<String, Long> changes, String text) {
    assertThatThrownBy(() -> of(family, changes))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining(text);
  }
}
