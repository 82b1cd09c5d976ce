package dev.upcycle.chat.jinja;

/// A place in a template.
///
/// @param line from 1
/// @param column from 1, in code points
public record Position(int line, int column) {
  /// Refuses what no text has.
  public Position {
    if (line < 1 || column < 1) {
      throw new IllegalArgumentException(
          "no such place: line %d, column %d".formatted(line, column));
    }
  }
}
