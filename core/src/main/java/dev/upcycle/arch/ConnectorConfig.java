package dev.upcycle.arch;

import dev.upcycle.checkpoint.ModelConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// The connector of a LLaVA, as the config of the whole says it.
public final class ConnectorConfig {
  private static final String SCALES = "scales";

  /// Keys of the whole and what a connector by itself calls them.
  private static final Map<String, String> SPELLINGS =
      Map.of(
          "projector_hidden_act", "hidden_act",
          "multimodal_projector_bias", "bias",
          "projector_num_experts_per_tok", "num_experts_per_tok",
          "router_norm_topk_prob", "router_norm_topk_prob",
          "router_numerics", "router_numerics");

  private ConnectorConfig() {}

  /// The config that a connector's family reads.
  ///
  /// @param vision width of the image tower's states
  /// @param language width of the decoder's states
  static ModelConfig of(ModelConfig whole, long vision, long language) {
    ObjectNode config = whole.json().objectNode();
    long experts = whole.findLong("projector_num_experts").orElse(0);
    config.put("model_type", experts > 0 ? "mlp_moe" : "mlp");
    if (experts > 0) {
      config.put("num_experts", experts);
    }
    SPELLINGS.forEach((theirs, ours) -> {
      JsonNode value = whole.json().path(theirs);
      if (!value.isMissingNode() && !value.isNull()) {
        config.set(ours, value);
      }
    });
    SingleConfig.connector(whole, config);
    config.put("input_size", Math.multiplyExact(vision, (long) scales(whole).size()));
    config.put("hidden_size", language);
    return whole.with(config);
  }

  /// What the config of the whole calls a key of a connector's own.
  static String outer(String own) {
    return SPELLINGS.entrySet().stream()
        .filter(spelling -> spelling.getValue().equals(own))
        .map(Map.Entry::getKey)
        .findFirst()
        .orElse(own);
  }

  /// Whether LLaVA gives the linear layers no numbers: those of its `linear` connector, which has
  /// one.
  static boolean unnumbered(ModelConfig connector) {
    return connector.findString(SingleConfig.PROJECTOR).isPresent();
  }

  /// The scales at which images are looked at; their features lie side by side.
  ///
  /// @param whole the config of the composition
  public static List<Integer> scales(ModelConfig whole) {
    JsonNode listed = whole.json().path(SCALES);
    if (listed.isMissingNode() || listed.isNull()) {
      return List.of(1);
    }
    List<Integer> scales = new ArrayList<>();
    for (JsonNode scale : listed) {
      if (!scale.isInt() || scale.intValue() < 1) {
        throw Complaint.of(SCALES, whole, "whole numbers from 1");
      }
      scales.add(scale.intValue());
    }
    if (scales.isEmpty()) {
      throw Complaint.of(SCALES, whole, "whole numbers from 1");
    }
    return List.copyOf(scales);
  }
}
