package dev.upcycle.plan;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.Composition;
import dev.upcycle.arch.Dimensions;
import dev.upcycle.arch.ModelPart;
import dev.upcycle.arch.Modeling;
import dev.upcycle.arch.PartRule;
import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.recipe.Component;
import dev.upcycle.recipe.Experts;
import dev.upcycle.recipe.Recipe;
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

  private static final List<String> DTYPE = List.of("dtype", "torch_dtype");

  /// Keys that the tensors, the recipe's other keys or the spellings of both generations decide.
  static final Set<String> DECIDED =
      Set.of(
          "architectures",
          "auto_map",
          "bias",
          "depth",
          "dtype",
          "head_dim",
          "hidden_act",
          "hidden_size",
          "image_size",
          "input_size",
          "intermediate_size",
          "model_type",
          "moe_layers",
          "num_attention_heads",
          "num_channels",
          "num_experts",
          "num_experts_per_tok",
          "num_hidden_layers",
          "num_key_value_heads",
          "num_local_experts",
          "patch_size",
          "projection_dim",
          "qkv_bias",
          "quantization_config",
          "rope_parameters",
          "rope_scaling",
          "rope_theta",
          "router_norm_topk_prob",
          "text_config",
          "tie_word_embeddings",
          "torch_dtype",
          "vision_config",
          "vision_use_head",
          "vocab_size");

  /// Keys that change what the model computes.
  private static final Set<String> FUNCTIONAL =
      Set.of(
          "layer_norm_eps", "partial_rotary_factor", "rms_norm_eps", "rope_type", "sliding_window");

  /// Keys that count tokens.
  static final List<String> POSITIONS = List.of("max_position_embeddings", "sliding_window");

  private static final long MOST_POSITIONS = 100_000_000;

  /// Kinds of rope scaling that compute with the number of positions.
  private static final Set<String> BY_POSITIONS = Set.of("dynamic", "longrope", "yarn");

  private final Composition dense;
  private final RecipeCheck.Targets targets;
  private final Recipe recipe;

  TargetConfig(Composition dense, RecipeCheck.Targets targets, Recipe recipe) {
    this.dense = dense;
    this.targets = targets;
    this.recipe = recipe;
  }

  /// The config, before the recipe's own keys.
  ///
  /// @param dtype what it says that the weights are stored in
  ModelConfig derive(DType dtype) {
    ModelPart first = dense.parts().getFirst();
    Optional<Component> component = first.part().flatMap(recipe::component);
    if (first.family().decodes()) {
      return decoder(first, component.orElseThrow().experts(), dtype);
    }
    ObjectNode json =
        component
            .map(chosen -> new TowerConfig(first, targets.whole()).derive(chosen))
            .orElseGet(() -> first.family().complete(first.config()).json());
    SOURCE_ONLY.forEach(json::remove);
    json.put("model_type", targets.whole().modelType());
    targets.whole().modeling().ifPresent(modeling -> classes(json, modeling));
    for (int i = 1; i < dense.parts().size(); i++) {
      PartRule rule = dense.whole().parts().get(i - 1);
      json.remove(Composition.repeated(rule));
      json.set(rule.config(), nested(dense.parts().get(i), targets.parts().get(i)));
    }
    return ModelConfig.of(withFloats(ModelConfig.of(json).withDType(dtype).json()));
  }

  private void classes(ObjectNode json, Modeling modeling) {
    List<String> before = dense.parts().getFirst().config().strings("architectures");
    json.putArray("architectures").add(modeling.className(before));
    ObjectNode map = json.putObject("auto_map");
    map.put("AutoConfig", modeling.module() + modeling.configClass());
    modeling.autoClasses().forEach((loader, name) -> map.put(loader, modeling.module() + name));
  }

  /// A part's own config, where it stands inside the whole's.
  private ObjectNode nested(ModelPart part, Architecture target) {
    Optional<Component> component = part.part().flatMap(recipe::component);
    ObjectNode json =
        component
            .map(chosen -> new TowerConfig(part, target).derive(chosen))
            .orElseGet(() -> part.family().complete(part.config()).json());
    SOURCE_ONLY.forEach(json::remove);
    DTYPE.forEach(json::remove); // the whole's config says it
    return json;
  }

  private ModelConfig decoder(ModelPart part, Experts experts, DType dtype) {
    Architecture family = part.family();
    Architecture target = targets.whole();
    ObjectNode json = family.complete(part.config()).json();
    SOURCE_ONLY.forEach(json::remove);
    family.supersededKeys().forEach(json::remove);
    family.ignoredKeys().forEach(json::remove);
    target.foreignKeys().forEach(json::remove);
    json.putArray("architectures").add(target.className());
    json.put("model_type", target.modelType());
    Dimensions dimensions = part.dimensions();
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
        targets.whole().complete(ModelConfig.of(JsonMapper.shared().createObjectNode())).json();
    defaults.forEachEntry((key, value) -> {
      JsonNode own = json.path(key);
      if (value.isFloatingPointNumber() && own.isIntegralNumber()) {
        json.set(key, DoubleNode.valueOf(own.doubleValue()));
      }
    });
    return json;
  }
}
