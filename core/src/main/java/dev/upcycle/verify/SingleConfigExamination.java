package dev.upcycle.verify;

import dev.upcycle.arch.Composition;
import dev.upcycle.arch.ModelPart;
import dev.upcycle.arch.SingleConfig;
import dev.upcycle.recipe.Part;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// Does CuMo's one config say of its parts what they are, with every key that its code reads
/// (`llava_arch.py`, `llava_mistral.py`, `builder.py`, `mm_utils.py` of SHI-Labs/CuMo)?
final class SingleConfigExamination implements Examination {
  /// Keys that stay as the source has them, and what they are where it has none.
  private static final Map<String, JsonNode> KEPT = kept();

  @Override
  public void examine(Subject subject, Findings findings) {
    if (subject.family().ownKeys().isEmpty() || subject.parts().find(Part.VISION).isEmpty()) {
      return;
    }
    ObjectNode actual = subject.target().config().json();
    Set<String> overridden =
        subject.recipe().map(recipe -> recipe.output().config().keySet()).orElse(Set.of());
    ObjectNode wanted = JsonMapper.shared().createObjectNode();
    parts(subject.parts(), wanted);
    subject.source().ifPresent(source -> ofSource(source.config().json(), subject, wanted));
    wanted.forEachEntry((key, value) -> {
      if (!overridden.contains(key)) {
        ConfigValues.expectEqual(key, value, actual.path(key), findings);
      }
    });
  }

  private static void parts(Composition parts, ObjectNode wanted) {
    ModelPart vision = parts.find(Part.VISION).orElseThrow();
    boolean connector = parts.find(Part.CONNECTOR).orElseThrow().family().mixtureOfExperts();
    wanted.put("clip_smoe", vision.family().mixtureOfExperts());
    wanted.put("mlp_smoe", connector);
    if (connector) {
      wanted.put("mm_projector_type", "smoe_mlp");
    }
    wanted.put("training", false);
    wanted.put("mm_vision_select_layer", -2);
    wanted.put("mm_vision_select_feature", "patch");
    wanted.put("mm_hidden_size", vision.dimensions().hidden());
    wanted.put("use_mm_proj", true);
    wanted.put("num_layers", 3);
    wanted.put("dropout", false);
    wanted.putNull("local_rank");
  }

  private static void ofSource(ObjectNode source, Subject subject, ObjectNode wanted) {
    KEPT.forEach((key, value) -> wanted.set(key, present(source, key).orElse(value)));
    ModelPart tower = subject.denseParts().find(Part.VISION).orElseThrow();
    present(source, "mm_vision_tower")
        .or(() -> SingleConfig.tower(tower).map(JsonMapper.shared()::valueToTree))
        .ifPresent(name -> wanted.set("mm_vision_tower", name));
  }

  private static Optional<JsonNode> present(ObjectNode source, String key) {
    return Optional.ofNullable(source.get(key)).filter(value -> !value.isNull());
  }

  private static Map<String, JsonNode> kept() {
    JsonMapper mapper = JsonMapper.shared();
    return Map.of(
        "image_aspect_ratio", mapper.valueToTree("pad"),
        "mm_patch_merge_type", mapper.valueToTree("flat"),
        "mm_use_im_patch_token", mapper.valueToTree(false),
        "mm_use_im_start_end", mapper.valueToTree(false),
        "tokenizer_padding_side", mapper.valueToTree("right"),
        "tune_mm_mlp_adapter", mapper.valueToTree(false),
        "freeze_mm_mlp_adapter", mapper.valueToTree(false));
  }
}
