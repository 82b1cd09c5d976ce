package dev.upcycle.dialect;

import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.ModelConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/// Which of open_clip's settings a CLIP may have so that Hugging Face's class computes the same.
///
/// The rest change the function (other pooling, other norms, other towers): each is refused by its
/// name, unless it has the value by which open_clip leaves the function alone.
final class OpenClipSettings {
  /// Read here, or without a part in the function of a trained model.
  private static final Set<String> READ =
      Set.of(
          "embed_dim",
          "quick_gelu",
          "custom_text",
          "init_logit_scale",
          "width",
          "layers",
          "heads",
          "head_width",
          "mlp_ratio",
          "patch_size",
          "image_size",
          "context_length",
          "vocab_size",
          "patch_dropout",
          "output_tokens",
          "hf_tokenizer_name",
          "tokenizer_kwargs",
          "pad_id",
          "eos_id",
          "attn_pooler_queries",
          "attn_pooler_heads");

  /// Values by which open_clip leaves the function alone; null, false and an empty map always do.
  private static final Map<String, String> NEUTRAL =
      Map.of(
          "vision_cfg.pool_type", "tok",
          "vision_cfg.pos_embed_type", "learnable",
          "text_cfg.pool_type", "argmax",
          "text_cfg.proj_type", "linear");

  private OpenClipSettings() {}

  /// @throws CheckpointFormatException naming every setting that is not understood
  static void requireKnown(ModelConfig model) {
    List<String> unknown = new ArrayList<>();
    model
        .json()
        .forEachEntry((key, value) -> {
          if (key.equals("vision_cfg") || key.equals("text_cfg")) {
            value.forEachEntry((inner, setting) -> check(key + "." + inner, setting, unknown));
          } else {
            check(key, value, unknown);
          }
        });
    if (!unknown.isEmpty()) {
      throw new CheckpointFormatException(
          CheckpointFault.BAD_CONFIG_VALUE,
          "open_clip_config.json sets "
              + String.join(", ", unknown)
              + ": Hugging Face's CLIP has no such setting, so the result would compute something"
              + " else; give a model without it");
    }
  }

  private static void check(String path, JsonNode value, List<String> unknown) {
    String key = path.substring(path.indexOf('.') + 1);
    boolean neutral =
        value.isNull()
            || (value.isBoolean() && !value.booleanValue())
            || (value.isObject() && value.isEmpty())
            || (value.isString() && value.stringValue().equals(NEUTRAL.get(path)));
    boolean stagesOfResnet = key.equals("layers") && value.isArray();
    if (stagesOfResnet || !(READ.contains(key) || neutral)) {
      unknown.add(path + ": " + value);
    }
  }
}
