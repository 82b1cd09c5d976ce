package dev.upcycle.arch;

import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.recipe.Part;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// One part of a model, or the whole of a model of one family.
///
/// @param part which; empty for what a composition holds beside its parts
/// @param family whose tensors it has
/// @param config its own config
/// @param naming how its tensors are called in the whole
/// @param held the names of the whole checkpoint
public record ModelPart(
    Optional<Part> part, Architecture family, ModelConfig config, Naming naming, Set<String> held) {
  /// Matches a name of the whole; empty when the part has no such tensor.
  public Optional<TemplateMatch> match(String name) {
    return naming.match(name, family);
  }

  /// Every tensor of the part under its name in the whole, in state dict order.
  ///
  /// @throws dev.upcycle.checkpoint.CheckpointFormatException when the config does not give the
  ///   dimensions
  public List<TensorSlot> slots() {
    return family.slots(config, own -> held.contains(naming.outer(own))).stream()
        .map(slot -> new TensorSlot(naming.outer(slot.name()), slot.shape(), slot.match()))
        .toList();
  }

  /// Its sizes.
  ///
  /// @throws dev.upcycle.checkpoint.CheckpointFormatException when the config does not give them
  public Dimensions dimensions() {
    return Dimensions.of(family, config);
  }

  /// What the config of the whole calls a key of the part's own.
  public String outerKey(String own) {
    boolean between = part.equals(Optional.of(Part.CONNECTOR)) && !naming.prefix().isEmpty();
    return between ? ConnectorConfig.outer(own) : own;
  }

  /// The name in the whole of a template's tensor.
  public String name(TemplateMatch match) {
    return naming.outer(match.template().name(match.layer(), match.expert()));
  }
}
