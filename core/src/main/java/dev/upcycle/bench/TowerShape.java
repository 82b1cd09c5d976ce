package dev.upcycle.bench;

import dev.upcycle.bench.DecoderShape.ExpertShape;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.sample.SyntheticModel;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// The shape of the CLIP image tower with experts that is measured; its baseline is the dense tower
/// that multiplies as much per place.
///
/// @param experts sizes of the layers of experts
/// @param layers of the tower
/// @param heads attention heads
/// @param image height and width in pixels
/// @param patch height and width of what becomes one place
public record TowerShape(ExpertShape experts, int layers, int heads, long image, long patch) {
  private static final long SHARD_BYTES = 5_000_000_000L;

  /// Refuses counts below one, and heads and patches that do not divide.
  public TowerShape {
    if (layers < 1 || heads < 1 || patch < 1 || image < patch) {
      throw new IllegalArgumentException(
          "a count of layers or heads below 1, or patches of %d pixels in an image of %d"
              .formatted(patch, image));
    }
    if (experts.hidden() % heads != 0 || image % patch != 0) {
      throw new IllegalArgumentException(
          "%d heads do not divide a hidden size of %d, or patches of %d pixels an image of %d"
              .formatted(heads, experts.hidden(), patch, image));
    }
  }

  /// Patches of an image and its class token.
  public long places() {
    return image / patch * (image / patch) + 1;
  }

  /// The tower with experts.
  SyntheticModel sparse() {
    ObjectNode json = common("clip_moe_vision_model", experts.intermediate());
    json.put("num_experts", experts.count());
    json.put("num_experts_per_tok", experts.perToken());
    return new SyntheticModel(ModelConfig.of(json), SHARD_BYTES);
  }

  /// Its baseline.
  SyntheticModel dense() {
    return dense(experts.perToken() * experts.intermediate());
  }

  /// A tower that becomes the one with experts.
  SyntheticModel source() {
    return dense(experts.intermediate());
  }

  private SyntheticModel dense(long intermediate) {
    return new SyntheticModel(
        ModelConfig.of(common("clip_vision_model", intermediate)), SHARD_BYTES);
  }

  private ObjectNode common(String type, long intermediate) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("model_type", type);
    json.put("hidden_size", experts.hidden());
    json.put("intermediate_size", intermediate);
    json.put("num_hidden_layers", layers);
    json.put("num_attention_heads", heads);
    json.put("num_channels", 3);
    json.put("image_size", image);
    json.put("patch_size", patch);
    json.put("hidden_act", "quick_gelu");
    json.put("layer_norm_eps", 1e-5);
    json.put("torch_dtype", "bfloat16");
    return json;
  }
}
