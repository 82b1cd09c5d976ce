package dev.upcycle.verify;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.Composition;
import dev.upcycle.arch.ConnectorConfig;
import dev.upcycle.arch.PartRule;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.convert.Manifest;
import dev.upcycle.recipe.Part;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// The parts of a source that is not at hand, from the target's config and what the manifest says
/// of the source's family and names.
final class SourceParts {
  private SourceParts() {}

  private static String family(PartRule rule, Manifest manifest) {
    return manifest.sourceParts().stream()
        .filter(part -> part.part().equals(rule.part().key()))
        .map(Manifest.SourcePart::family)
        .findFirst()
        .orElse(rule.families().getFirst());
  }

  static Composition of(Composition target, Manifest manifest) {
    Architecture whole = Architecture.require(manifest.sourceFamily());
    ObjectNode json = target.parts().getFirst().config().json();
    if (!target.whole().ownKeys().isEmpty() || !whole.ownKeys().isEmpty()) {
      json = between(target, whole);
    }
    json.put("model_type", manifest.sourceFamily());
    json.remove("projector_num_experts");
    for (PartRule rule : whole.parts()) {
      if (json.get(rule.config()) instanceof ObjectNode own) {
        own.put("model_type", family(rule, manifest));
        own.remove("num_experts");
      }
    }
    Set<String> names =
        manifest.tensors().stream()
            .map(Manifest.TensorOrigin::from)
            .flatMap(Optional::stream)
            .collect(Collectors.toUnmodifiableSet());
    return Composition.read(ModelConfig.of(json), names);
  }

  /// The config that a dense model of the one form has where the target is of the other.
  private static ObjectNode between(Composition target, Architecture whole) {
    ModelConfig all = target.parts().getFirst().config();
    ObjectNode language = target.find(Part.LANGUAGE).orElseThrow().config().json();
    ObjectNode json = whole.ownKeys().isEmpty() ? all.json().objectNode() : language.deepCopy();
    ArrayNode scales = json.putArray("scales");
    ConnectorConfig.scales(all).forEach(scales::add);
    json.set("vision_config", target.find(Part.VISION).orElseThrow().config().json());
    if (whole.ownKeys().isEmpty()) {
      json.set("text_config", language);
    }
    return json;
  }
}
