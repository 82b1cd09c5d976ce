package dev.upcycle.plan;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.ModelPart;
import dev.upcycle.arch.Role;
import dev.upcycle.arch.SingleConfig;
import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.ModelConfig;
import java.util.List;
import java.util.Locale;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// The config of a LLaVA, which follows from those of its parts.
record PartsConfig(ModelPart language, ModelPart vision, ModelPart connector) {
  /// The family of the whole.
  static final String WHOLE = "llava";

  /// @throws CheckpointFormatException when the connector does not fit between the others
  ModelConfig whole() {
    ObjectNode json = language.config().json().objectNode();
    json.put("model_type", WHOLE);
    json.putArray("architectures").add(Architecture.require(WHOLE).className());
    language
        .config()
        .findString("torch_dtype")
        .or(() -> language.config().findString("dtype"))
        .ifPresent(dtype -> json.put("torch_dtype", dtype));
    json.set("text_config", typed(language));
    json.set("vision_config", typed(vision));
    ModelConfig own = connector.family().complete(connector.config());
    json.put("projector_hidden_act", own.findString("hidden_act").orElse("gelu"));
    json.put("multimodal_projector_bias", own.findBoolean("bias").orElse(true));
    SingleConfig.put(connector, json);
    if (!vision.family().has(Role.CLASS_EMBEDDING)) {
      // "default" would leave out the first patch of each image.
      json.put("vision_feature_select_strategy", "full");
    }
    ArrayNode scales = json.putArray("scales");
    scales().forEach(scales::add);
    return ModelConfig.of(json);
  }

  /// A part's config as its own model would have it.
  static ObjectNode typed(ModelPart part) {
    ObjectNode json = part.config().json();
    json.put("model_type", part.family().modelType());
    return json;
  }

  /// How many scales a connector reads follows from its width; which they are, from what is
  /// published: CuMo's two, and the three of LLaVA's S².
  private List<Integer> scales() {
    long input = connector.dimensions().require("input");
    long output = connector.dimensions().hidden();
    long hidden = vision.dimensions().hidden();
    if (output != language.dimensions().hidden() || input % hidden != 0 || input / hidden > 3) {
      throw new CheckpointFormatException(
          CheckpointFault.BAD_CONFIG_VALUE,
          String.format(
              Locale.ROOT,
              "the connector has %d linear layers from %d to %d; expected from 1, 2 or 3 times the"
                  + " tower's %d to the language model's %d: give the parts that were trained"
                  + " together",
              connector.dimensions().require("depth"),
              input,
              output,
              hidden,
              language.dimensions().hidden()));
    }
    return switch ((int) (input / hidden)) {
      case 1 -> List.of(1);
      case 2 -> List.of(1, 3);
      default -> List.of(1, 2, 3);
    };
  }
}
