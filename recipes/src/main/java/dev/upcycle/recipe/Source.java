package dev.upcycle.recipe;

import java.util.List;

/// Which dense models a recipe takes.
///
/// @param language the accepted families, such as `mistral`; `auto` alone accepts whatever is
///   detected
public record Source(List<String> language) {
  /// Refuses an empty list.
  public Source {
    language = List.copyOf(language);
    if (language.isEmpty()) {
      throw new IllegalArgumentException("source.language names no family");
    }
  }

  /// True when a checkpoint of this family may go in.
  public boolean accepts(String family) {
    return language.contains("auto") || language.contains(family);
  }
}
