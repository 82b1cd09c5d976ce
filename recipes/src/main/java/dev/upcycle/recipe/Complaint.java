package dev.upcycle.recipe;

/// One thing that is wrong with a recipe.
///
/// @param source the file, or what else said it, such as `--set`
/// @param line 1-based; 0 where there is no line
/// @param column 1-based; 0 where there is no column
/// @param keyPath such as `language.experts.count`
/// @param message what was found, what was expected, the remedy
public record Complaint(String source, int line, int column, String keyPath, String message) {
  /// As shown to the user: `mine.yaml:7:5: language.expert: unknown key; did you mean experts?`
  @Override
  public String toString() {
    String place = line > 0 ? source + ":" + line + ":" + column : source;
    return keyPath.isEmpty() ? place + ": " + message : place + ": " + keyPath + ": " + message;
  }
}
