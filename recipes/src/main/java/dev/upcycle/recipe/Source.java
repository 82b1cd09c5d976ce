package dev.upcycle.recipe;

import java.util.List;
import java.util.Map;

/// Which dense models a recipe takes.
///
/// @param families the accepted families of each part, such as `mistral`; `auto` alone accepts
///   whatever is detected, and so does a part that is not named
public record Source(Map<Part, List<String>> families) {
  private static final List<String> WHATEVER = List.of("auto");

  /// Refuses an empty list.
  public Source {
    families = Map.copyOf(families);
    families.forEach((part, names) -> {
      if (names.isEmpty()) {
        throw new IllegalArgumentException("source." + part.key() + " names no family");
      }
    });
  }

  /// What may stand at a part.
  public List<String> of(Part part) {
    return families.getOrDefault(part, WHATEVER);
  }

  /// The accepted families of the language model.
  public List<String> language() {
    return of(Part.LANGUAGE);
  }

  /// True when a checkpoint of this family may stand at a part.
  public boolean accepts(Part part, String family) {
    return of(part).equals(WHATEVER) || of(part).contains(family);
  }
}
