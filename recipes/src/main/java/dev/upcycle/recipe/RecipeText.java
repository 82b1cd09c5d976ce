package dev.upcycle.recipe;

import java.nio.file.Path;
import java.util.Optional;

/// A recipe as text, and where it came from.
///
/// @param source a file's path or a shipped recipe's name, for messages
/// @param yaml the text
/// @param directory what a relative path in the text is relative to; empty for a text that is no
///   file
public record RecipeText(String source, String yaml, Optional<Path> directory) {
  /// A text that is no file.
  public RecipeText(String source, String yaml) {
    this(source, yaml, Optional.empty());
  }

  /// What the recipe says of itself: its first comment, up to the first line without text.
  public String title() {
    StringBuilder title = new StringBuilder();
    for (String line : yaml.lines().toList()) {
      boolean textual = line.startsWith("# ") && !line.startsWith("#  ");
      if (!textual) {
        break;
      }
      title.append(title.isEmpty() ? "" : " ").append(line.substring(2).strip());
    }
    return title.toString();
  }
}
