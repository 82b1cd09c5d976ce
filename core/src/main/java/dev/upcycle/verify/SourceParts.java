package dev.upcycle.verify;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.Composition;
import dev.upcycle.arch.PartRule;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.convert.Manifest;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import tools.jackson.databind.node.ObjectNode;

/// The parts of a source that is not at hand, from the target's config and what the manifest says
/// of the source's family and names.
final class SourceParts {
  private SourceParts() {}

  static Composition of(ModelConfig target, Manifest manifest) {
    ObjectNode json = target.json();
    json.put("model_type", manifest.sourceFamily());
    for (PartRule rule : Architecture.require(manifest.sourceFamily()).parts()) {
      if (json.get(rule.config()) instanceof ObjectNode own) {
        own.put("model_type", rule.families().getFirst());
      }
    }
    Set<String> names =
        manifest.tensors().stream()
            .map(Manifest.TensorOrigin::from)
            .flatMap(Optional::stream)
            .collect(Collectors.toUnmodifiableSet());
    return Composition.read(ModelConfig.of(json), names);
  }
}
