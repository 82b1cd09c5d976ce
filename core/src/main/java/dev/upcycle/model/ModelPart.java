package dev.upcycle.model;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.Component;
import dev.upcycle.arch.PartRule;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.checkpoint.TensorEntry;
import java.util.LinkedHashMap;
import java.util.Optional;
import java.util.SequencedMap;

/// A checkpoint seen as one model of one family, or a part of it that is one.
///
/// @param checkpoint where the bytes are
/// @param family of the model
/// @param config of the model
/// @param tensors those that are the model's, by the names that its family gives them
record ModelPart(
    Checkpoint checkpoint,
    Architecture family,
    ModelConfig config,
    SequencedMap<String, TensorEntry> tensors) {

  /// The whole checkpoint; of a composed model, what is none of its parts.
  static ModelPart whole(Checkpoint checkpoint) {
    ModelConfig config = checkpoint.config();
    Architecture family = Architecture.require(config.modelType());
    SequencedMap<String, TensorEntry> own = new LinkedHashMap<>();
    for (TensorEntry entry : checkpoint.tensors().values()) {
      boolean elsewhere =
          family.parts().stream()
              .anyMatch(rule ->
                  nameIn(rule, member(rule, config(rule, config)), entry.name()).isPresent());
      if (!elsewhere) {
        own.put(familyName(family, entry.name()), entry);
      }
    }
    return new ModelPart(checkpoint, family, config, own);
  }

  /// The part of a composed model that is this component.
  ///
  /// @throws CheckpointFormatException when its config names a family that cannot stand there
  ModelPart part(Component component) {
    PartRule rule =
        family.parts().stream()
            .filter(candidate -> candidate.component() == component)
            .findFirst()
            .orElseThrow(() -> new IllegalStateException(family + " has no part " + component));
    return part(rule, config(rule, config));
  }

  private ModelPart part(PartRule rule, ModelConfig own) {
    Architecture member = member(rule, own);
    SequencedMap<String, TensorEntry> inside = new LinkedHashMap<>();
    for (TensorEntry entry : checkpoint.tensors().values()) {
      nameIn(rule, member, entry.name()).ifPresent(name -> inside.put(name, entry));
    }
    return new ModelPart(checkpoint, member, own, inside);
  }

  /// What a part's family calls a tensor of a composed model; empty when it is not the part's.
  ///
  /// Behind a prefix everything is; without one only what the family knows.
  private static Optional<String> nameIn(PartRule rule, Architecture member, String stored) {
    if (rule.prefix().isEmpty()) {
      return Optional.of(stored).filter(name -> knows(member, name));
    }
    return stored.startsWith(rule.prefix())
        ? Optional.of(familyName(member, stored.substring(rule.prefix().length())))
        : Optional.empty();
  }

  /// Transformers 5 leaves a level out that templates have.
  private static String familyName(Architecture family, String stored) {
    return family
        .level()
        .map(level -> level + stored)
        .filter(name -> !knows(family, stored) && knows(family, name))
        .orElse(stored);
  }

  private static boolean knows(Architecture family, String name) {
    return family.match(name).isPresent() || family.matchFused(name).isPresent();
  }

  /// A connector's config is spread over those around it; every other part has one of its own.
  private static ModelConfig config(PartRule rule, ModelConfig whole) {
    return rule.component() == Component.CONNECTOR
        ? ConnectorConfig.of(whole)
        : nested(rule.config(), whole);
  }

  /// A part's own config; where there is none, the defaults of the part's first family hold.
  static ModelConfig nested(String key, ModelConfig whole) {
    return whole.findNested(key).orElseGet(() -> ModelConfig.of(whole.json().objectNode()));
  }

  static Architecture member(PartRule rule, ModelConfig own) {
    String type = own.has("model_type") ? own.modelType() : rule.families().getFirst();
    if (!rule.families().contains(type)) {
      throw new CheckpointFormatException(
          CheckpointFault.BAD_CONFIG_VALUE,
          "model_type of %s in config.json is %s, expected one of %s"
              .formatted(rule.config(), type, String.join(", ", rule.families())));
    }
    return Architecture.require(type);
  }
}
