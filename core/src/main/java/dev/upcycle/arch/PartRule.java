package dev.upcycle.arch;

import dev.upcycle.recipe.Part;
import java.util.List;

/// One part of a composed family.
///
/// @param part which part
/// @param config the key of the config that holds the part's own config
/// @param prefix what stands before its tensors' names
/// @param families the families that can stand there
public record PartRule(Part part, String config, String prefix, List<String> families) {
  /// Takes a copy.
  public PartRule {
    families = List.copyOf(families);
  }
}
