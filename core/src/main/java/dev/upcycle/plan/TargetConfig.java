package dev.upcycle.plan;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.Composition;
import dev.upcycle.arch.ConnectorConfig;
import dev.upcycle.arch.ModelPart;
import dev.upcycle.arch.Modeling;
import dev.upcycle.arch.PartRule;
import dev.upcycle.arch.SingleConfig;
import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.recipe.Component;
import dev.upcycle.recipe.Part;
import dev.upcycle.recipe.Recipe;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.DoubleNode;
import tools.jackson.databind.node.ObjectNode;

/// Derives the target's `config.json` from the source's: everything explicit, in the spellings of
/// both generations of transformers, unknown keys kept unless the target's readers would take them
/// as something else.
final class TargetConfig {
  /// Keys about the source's files and classes, wrong for the target.
  static final List<String> SOURCE_ONLY =
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
          "projector_num_experts",
          "projector_num_experts_per_tok",
          "qkv_bias",
          "quantization_config",
          "mlp_smoe",
          "clip_smoe",
          "num_selected",
          "rope_parameters",
          "rope_scaling",
          "rope_theta",
          "router_norm_topk_prob",
          "scales",
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
    Optional<Component> component = component(first);
    if (first.family().decodes()) {
      return new DecoderConfig(first, targets.whole())
          .derive(component.orElseThrow().experts())
          .withDType(dtype);
    }
    if (!targets.whole().ownKeys().isEmpty()) {
      return single(dtype);
    }
    ObjectNode json =
        component
            .map(chosen -> new TowerConfig(first, targets.whole()).derive(chosen))
            .orElseGet(() -> nestedForm(first));
    SOURCE_ONLY.forEach(json::remove);
    json.put("model_type", targets.whole().modelType());
    classes(json);
    for (int i = 1; i < dense.parts().size(); i++) {
      ModelPart part = dense.parts().get(i);
      if (part.part().equals(Optional.of(Part.CONNECTOR))) {
        component(part).ifPresent(chosen -> connector(json, chosen));
      } else {
        nest(json, part, targets.parts().get(i));
      }
    }
    return ModelConfig.of(
        withFloats(ModelConfig.of(json).withDType(dtype).json(), targets.whole()));
  }

  private ModelConfig single(DType dtype) {
    int language = index(Part.LANGUAGE);
    int vision = index(Part.VISION);
    ModelPart tower = dense.parts().get(vision);
    ObjectNode json = own(dense.parts().get(language), targets.parts().get(language));
    SOURCE_ONLY.forEach(json::remove);
    ObjectNode derived =
        new SingleForm(targets.whole(), dense.parts().getFirst().config(), recipe)
            .derive(json, own(tower, targets.parts().get(vision)), tower);
    return ModelConfig.of(derived).withDType(dtype);
  }

  private int index(Part part) {
    return IntStream.range(0, dense.parts().size())
        .filter(i -> i > 0 && dense.parts().get(i).part().equals(Optional.of(part)))
        .findFirst()
        .orElseThrow();
  }

  /// The whole's keys without those of its parts; of one that keeps all in a single config, the
  /// words of transformers for what it says.
  private static ObjectNode nestedForm(ModelPart whole) {
    if (whole.family().ownKeys().isEmpty()) {
      return whole.family().complete(whole.config()).json();
    }
    ObjectNode json = JsonMapper.shared().createObjectNode();
    json.set("scales", node(ConnectorConfig.scales(whole.config())));
    JsonNode said = SingleConfig.spelled(whole.family(), whole.config()).json();
    List.of("vision_feature_layer", "vision_feature_select_strategy")
        .forEach(key -> json.set(key, said.get(key)));
    json.put("projector_hidden_act", "gelu");
    json.put("image_token_index", whole.config().requireLong("vocab_size") - 1);
    return json;
  }

  private Optional<Component> component(ModelPart part) {
    return part.part().flatMap(recipe::component);
  }

  private void classes(ObjectNode json) {
    Optional<Modeling> modeling = targets.whole().modeling();
    if (modeling.isPresent()) {
      List<String> before = dense.parts().getFirst().config().strings("architectures");
      json.putArray("architectures").add(modeling.get().className(before));
      ObjectNode map = json.putObject("auto_map");
      String module = modeling.get().module();
      map.put("AutoConfig", module + modeling.get().configClass());
      modeling.get().autoClasses().forEach((loader, name) -> map.put(loader, module + name));
    } else if (!targets.whole().parts().isEmpty()) {
      json.putArray("architectures").add(targets.whole().className());
    }
  }

  /// A connector's keys stand in the whole's config.
  private static void connector(ObjectNode json, Component component) {
    json.put("projector_num_experts", component.experts().count());
    json.put("projector_num_experts_per_tok", component.experts().perToken());
    json.put("router_norm_topk_prob", true);
  }

  /// A part's own config, where it stands inside the whole's.
  private void nest(ObjectNode json, ModelPart part, Architecture target) {
    PartRule rule = targets.whole().rule(part.part().orElseThrow()).orElseThrow();
    json.remove(Composition.repeated(rule));
    ObjectNode own = own(part, target);
    SOURCE_ONLY.forEach(own::remove);
    DTYPE.forEach(own::remove); // the whole's config says it
    if (rule.named(target)) {
      own.put("model_type", target.modelType());
    }
    json.set(rule.config(), own);
    if (part.part().equals(Optional.of(Part.VISION))) {
      component(part)
          .map(Component::scales)
          .filter(scales -> json.has("scales") || !scales.equals(Component.ONE_SCALE))
          .ifPresent(scales -> json.set("scales", node(scales)));
    }
  }

  private ObjectNode own(ModelPart part, Architecture target) {
    Optional<Component> component = component(part);
    boolean decodes = part.family().decodes();
    if (component.isPresent() && decodes && !target.mixesLayers()) {
      return new DecoderConfig(part, target).derive(component.get().experts()).json();
    }
    ObjectNode json =
        component
            .map(chosen -> new TowerConfig(part, target).derive(chosen))
            .orElseGet(() -> part.family().complete(part.config()).json());
    return decodes
        ? ModelConfig.of(json).withBothSpellings(part.family().defaultRopeTheta()).json()
        : json;
  }

  /// The config with the recipe's keys over it.
  ModelConfig override(ModelConfig derived, Map<String, Object> keys) {
    ObjectNode json = derived.json();
    keys.forEach((key, value) -> {
      if (!same(json.path(key), node(value))) {
        json.set(key, node(value));
      }
    });
    return ModelConfig.of(withFloats(json, targets.whole()));
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
  static ObjectNode withFloats(ObjectNode json, Architecture family) {
    ObjectNode defaults =
        family.complete(ModelConfig.of(JsonMapper.shared().createObjectNode())).json();
    defaults.forEachEntry((key, value) -> {
      JsonNode own = json.path(key);
      if (value.isFloatingPointNumber() && own.isIntegralNumber()) {
        json.set(key, DoubleNode.valueOf(own.doubleValue()));
      }
    });
    return json;
  }
}
