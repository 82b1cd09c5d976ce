package dev.upcycle.plan;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.ConnectorConfig;
import dev.upcycle.arch.ModelPart;
import dev.upcycle.arch.SingleConfig;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.recipe.Component;
import dev.upcycle.recipe.Experts;
import dev.upcycle.recipe.Part;
import dev.upcycle.recipe.Recipe;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// The config of CuMo's own form: the decoder's, with the keys that CuMo's loader reads for what
/// stands before it (`llava_arch.py`, `train.py` of SHI-Labs/CuMo).
///
/// @param whole the family of the result
/// @param source the dense composition's config
/// @param recipe how the parts become experts
record SingleForm(Architecture whole, ModelConfig source, Recipe recipe) {
  /// Keys that stay as the source has them, and their values where it has none.
  private static final Map<String, Object> KEPT =
      Map.of(
          "image_aspect_ratio",
          "pad",
          "mm_patch_merge_type",
          "flat",
          "mm_use_im_patch_token",
          false,
          "mm_use_im_start_end",
          false,
          "tokenizer_padding_side",
          "right",
          "balance_loss_coef",
          0.1,
          "router_z_loss_coef",
          0.01,
          "tune_mm_mlp_adapter",
          false,
          "freeze_mm_mlp_adapter",
          false);

  /// @param language the decoder's own keys
  /// @param tower the image tower's own keys
  /// @param vision the dense image tower
  ObjectNode derive(ObjectNode language, ObjectNode tower, ModelPart vision) {
    ObjectNode json = language;
    Optional<Component> sparse = recipe.component(Part.VISION);
    Optional<Component> connector = recipe.component(Part.CONNECTOR);
    Optional<Experts> experts = sparse.or(() -> connector).map(Component::experts);
    KEPT.forEach((key, value) -> json.set(key, kept(key).orElseGet(() -> node(value))));
    json.put("model_type", whole.modelType());
    json.putArray("architectures").add(whole.className());
    kept("mm_vision_tower")
        .or(() -> SingleConfig.tower(vision).map(SingleForm::node))
        .ifPresent(name -> json.set("mm_vision_tower", name));
    json.put("mm_hidden_size", vision.dimensions().hidden());
    SingleConfig.put(
        source, connector.isPresent() ? SingleConfig.Form.EXPERTS : SingleConfig.Form.DENSE, json);
    json.put("mm_vision_select_layer", -2);
    json.put("mm_vision_select_feature", "patch");
    json.put("use_mm_proj", true);
    json.set(
        "scales",
        node(sparse.map(Component::scales).orElseGet(() -> ConnectorConfig.scales(source))));
    json.put("num_experts", experts.map(Experts::count).orElse(1));
    json.put("num_selected", experts.map(Experts::perToken).orElse(1));
    json.put("num_layers", 3); // read by its constructor, used by nothing
    json.put("dropout", false);
    json.put("mlp_smoe", connector.isPresent());
    json.put("clip_smoe", sparse.isPresent());
    json.put("training", false);
    json.putNull("local_rank");
    json.set("vision_config", towerOnly(tower));
    return json;
  }

  /// The tower's own sizes; the experts' counts stand in the whole.
  private static ObjectNode towerOnly(ObjectNode tower) {
    List.of("num_experts", "num_experts_per_tok", "router_norm_topk_prob").forEach(tower::remove);
    tower.put("model_type", "clip_vision_model");
    return tower;
  }

  private Optional<JsonNode> kept(String key) {
    return Optional.ofNullable(source.json().get(key)).filter(value -> !value.isNull());
  }

  private static JsonNode node(Object value) {
    return TargetConfig.node(value);
  }
}
