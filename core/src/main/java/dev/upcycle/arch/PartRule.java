package dev.upcycle.arch;

import dev.upcycle.recipe.Part;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// One part of a composed family.
///
/// @param part which part
/// @param config the key of the config that holds the part's own config; a connector's is spread
///   over the whole's
/// @param prefix what stands before its tensors' names
/// @param families the families that can stand there
/// @param byExperts families whose configs keep the dense model's type and tell their experts by
///   `num_experts`, by that dense type
/// @param standIns the families that stand there for others, which have the same tensors but for
///   some that are never used there
/// @param also what else may stand before its tensors' names in what is read
/// @param linears how a connector's linear layers are called in what is written
public record PartRule(
    Part part,
    String config,
    String prefix,
    List<String> families,
    Map<String, String> byExperts,
    Map<String, String> standIns,
    List<String> also,
    Naming.Linears linears) {
  /// Takes copies.
  public PartRule {
    families = List.copyOf(families);
    standIns = Map.copyOf(standIns);
    also = List.copyOf(also);
    byExperts = Map.copyOf(byExperts);
  }

  /// Whether a part's config names its own type, and not that of the dense model.
  public boolean named(Architecture family) {
    return !byExperts.containsValue(family.modelType());
  }

  /// The family that stands there for one, without experts of its own; empty where none can.
  public Optional<Architecture> dense(Architecture family) {
    String type = standIns.getOrDefault(family.modelType(), family.modelType());
    return families.contains(type) ? Optional.of(Architecture.require(type)) : Optional.empty();
  }
}
