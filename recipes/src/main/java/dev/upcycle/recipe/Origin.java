package dev.upcycle.recipe;

/// Who set a value of a resolved recipe.
///
/// @param kind which of the layers, the strongest first
/// @param detail the flag, the file and line, the variable; empty for a default
public record Origin(Kind kind, String detail) {
  /// The layers of precedence, the strongest first.
  public enum Kind {
    FLAG,
    SET,
    RECIPE,
    ENVIRONMENT,
    DEFAULT
  }
}
