package dev.upcycle.model;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.Composition;
import dev.upcycle.arch.ModelPart;
import dev.upcycle.arch.SingleConfig;
import dev.upcycle.arch.TemplateMatch;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.recipe.Part;
import java.util.LinkedHashMap;
import java.util.Optional;
import java.util.SequencedMap;

/// A model of one family, or a part of a composed one, and where its tensors are stored.
///
/// @param checkpoint where the bytes are
/// @param part its family, its config and what the whole calls its tensors
/// @param tensors those that are its own, by the names that its family gives them
record StoredPart(
    Checkpoint checkpoint, ModelPart part, SequencedMap<String, TensorEntry> tensors) {

  /// The whole checkpoint; of a composed model, what is none of its parts.
  static StoredPart whole(Checkpoint checkpoint) {
    Composition composition = composition(checkpoint);
    ModelPart first = composition.parts().getFirst();
    SequencedMap<String, TensorEntry> own = new LinkedHashMap<>();
    for (TensorEntry entry : checkpoint.tensors().values()) {
      Optional<String> mine = nameIn(first, entry.name());
      boolean elsewhere =
          composition.parts().stream()
              .skip(1)
              .anyMatch(other -> nameIn(other, entry.name()).isPresent());
      if (mine.isPresent() || !elsewhere) {
        own.put(mine.orElse(entry.name()), entry);
      }
    }
    return new StoredPart(checkpoint, first, own);
  }

  /// The part of a composed model that is of this kind.
  ///
  /// @throws dev.upcycle.checkpoint.CheckpointFormatException when its config names a family that
  ///   cannot stand there
  StoredPart part(Part kind) {
    Composition composition = composition(checkpoint);
    ModelPart member =
        composition
            .find(kind)
            .orElseThrow(() -> new IllegalStateException(family() + " has no part " + kind));
    SequencedMap<String, TensorEntry> inside = new LinkedHashMap<>();
    for (TensorEntry entry : checkpoint.tensors().values()) {
      nameIn(member, entry.name()).ifPresent(name -> inside.put(name, entry));
    }
    ModelConfig own = SingleConfig.routed(composition.whole(), checkpoint.config(), member);
    return new StoredPart(
        checkpoint,
        new ModelPart(member.part(), member.family(), own, member.naming(), member.held()),
        inside);
  }

  private static Composition composition(Checkpoint checkpoint) {
    return Composition.read(checkpoint.config(), checkpoint.tensors().sequencedKeySet());
  }

  /// What a part's family calls a tensor of the whole; empty when it has no such tensor.
  private static Optional<String> nameIn(ModelPart part, String stored) {
    return part.match(stored).map(StoredPart::name).or(() -> fused(part, stored));
  }

  private static String name(TemplateMatch match) {
    return match.template().name(match.layer(), match.expert());
  }

  /// Transformers 5's layout of experts has the same names but for a part's prefix.
  private static Optional<String> fused(ModelPart part, String stored) {
    String prefix = part.naming().prefix();
    return Optional.of(stored)
        .filter(name -> name.startsWith(prefix))
        .map(name -> name.substring(prefix.length()))
        .filter(name -> part.family().matchFused(name).isPresent());
  }

  /// The family.
  Architecture family() {
    return part.family();
  }

  /// Its own config.
  ModelConfig config() {
    return part.config();
  }
}
