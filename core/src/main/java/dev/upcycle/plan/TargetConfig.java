package dev.upcycle.plan;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.Dimensions;
import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.recipe.Experts;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.DoubleNode;
import tools.jackson.databind.node.ObjectNode;

/// Derives the target's `config.json` from the source's: everything explicit, in the spellings of
/// both generations of transformers, unknown keys kept unless the target's readers would take them
/// as something else.
final class TargetConfig {
  /// Keys about the source's files and classes, wrong for the target.
  private static final List<String> SOURCE_ONLY =
      List.of("_name_or_path", "auto_map", "architectures", "quantization_config");

  /// Keys that the tensors, the recipe's other keys or the spellings of both generations decide.
  static final Set<String> DECIDED =
      Set.of(
          "architectures",
          "dtype",
          "head_dim",
          "hidden_act",
          "hidden_size",
          "intermediate_size",
          "model_type",
          "num_attention_heads",
          "num_experts_per_tok",
          "num_hidden_layers",
          "num_key_value_heads",
          "num_local_experts",
          "quantization_config",
          "rope_parameters",
          "rope_scaling",
          "rope_theta",
          "tie_word_embeddings",
          "torch_dtype",
          "vocab_size");

  /// Keys that change what the model computes.
  private static final Set<String> FUNCTIONAL =
      Set.of("partial_rotary_factor", "rms_norm_eps", "rope_type", "sliding_window");

  /// Keys that count tokens.
  static final List<String> POSITIONS = List.of("max_position_embeddings", "sliding_window");

  private static final long MOST_POSITIONS = 100_000_000;

  /// Kinds of rope scaling that compute with the number of positions.
  private static final Set<String> BY_POSITIONS = Set.of("dynamic", "longrope", "yarn");

  private final Architecture family;
  private final Architecture target;
  private final ModelConfig source;

  TargetConfig(Architecture family, Architecture target, ModelConfig source) {
    this.family = family;
    this.target = target;
    this.source = source;
  }

  /// The config, before the recipe's own keys.
  ModelConfig derive(Experts experts, DType dtype) {
    ObjectNode json = family.complete(source).json();
    SOURCE_ONLY.forEach(json::remove);
    family.supersededKeys().forEach(json::remove);
    family.ignoredKeys().forEach(json::remove);
    target.foreignKeys().forEach(json::remove);
    json.putArray("architectures").add(target.className());
    json.put("model_type", target.modelType());
    Dimensions dimensions = Dimensions.of(family, source);
    json.put("head_dim", dimensions.headDim());
    json.put("num_key_value_heads", dimensions.kvHeads());
    json.put("hidden_act", "silu");
    json.put("num_local_experts", experts.count());
    json.put("num_experts_per_tok", experts.perToken());
    ModelConfig spelled =
        ModelConfig.of(json).withDType(dtype).withBothSpellings(family.defaultRopeTheta());
    return ModelConfig.of(withFloats(target.complete(spelled).json()));
  }

  /// The config with the recipe's keys over it.
  ModelConfig override(ModelConfig derived, Map<String, Object> keys) {
    ObjectNode json = derived.json();
    keys.forEach((key, value) -> {
      if (!same(json.path(key), node(value))) {
        json.set(key, node(value));
      }
    });
    return ModelConfig.of(withFloats(json));
  }

  /// The recipe's keys that change what the model computes.
  List<Fidelity.Change> functionalOverrides(ModelConfig derived, Map<String, Object> keys) {
    ObjectNode json = derived.json();
    boolean positions =
        BY_POSITIONS.contains(json.path("rope_scaling").path("rope_type").asString(""));
    return new TreeMap<>(keys)
        .entrySet().stream()
            .filter(entry ->
                FUNCTIONAL.contains(entry.getKey())
                    || (positions && entry.getKey().equals("max_position_embeddings")))
            .filter(entry -> !same(json.path(entry.getKey()), node(entry.getValue())))
            .map(entry ->
                new Fidelity.Change(
                    entry.getKey(),
                    json.has(entry.getKey()) ? json.path(entry.getKey()).toString() : "absent",
                    node(entry.getValue()).toString()))
            .toList();
  }

  /// What is wrong with a count of tokens.
  static Optional<String> badPositions(long tokens) {
    return tokens >= 1 && tokens <= MOST_POSITIONS
        ? Optional.empty()
        : Optional.of("is " + tokens + ", expected 1 to " + MOST_POSITIONS);
  }

  /// Equal as JSON values; numbers by value, so that 10000 equals 10000.0.
  static boolean same(JsonNode left, JsonNode right) {
    return left.equals(TargetConfig::compare, right);
  }

  private static int compare(JsonNode left, JsonNode right) {
    return finite(left) && finite(right)
        ? left.decimalValue().compareTo(right.decimalValue())
        : left.equals(right) ? 0 : 1;
  }

  private static boolean finite(JsonNode node) {
    return node.isNumber() && Double.isFinite(node.doubleValue());
  }

  /// A recipe's value as JSON.
  static JsonNode node(Object value) {
    return JsonMapper.shared().valueToTree(value);
  }

  /// Whole numbers become floats where the class's default is a float: transformers 5 is strict.
  private ObjectNode withFloats(ObjectNode json) {
    ObjectNode defaults =
        target.complete(ModelConfig.of(JsonMapper.shared().createObjectNode())).json();
    defaults.forEachEntry((key, value) -> {
      JsonNode own = json.path(key);
      if (value.isFloatingPointNumber() && own.isIntegralNumber()) {
        json.set(key, DoubleNode.valueOf(own.doubleValue()));
      }
    });
    return json;
  }
}
