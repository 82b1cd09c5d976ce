package dev.upcycle.recipe;

/// Who set a value of a resolved recipe.
///
/// @param kind which of the layers, the strongest first
/// @param detail the flag, the file and line, the variable; empty for a default
public record Origin(Kind kind, String detail) {
  /// In words: `flag --experts`, `--set`, `recipe mine.yaml:12`, `environment UPCYCLE_SEED`,
  /// `default`.
  public String label() {
    return switch (kind) {
      case FLAG -> "flag " + detail;
      case SET -> "--set";
      case RECIPE -> "recipe " + detail;
      case ENVIRONMENT -> "environment " + detail;
      case DEFAULT -> "default";
    };
  }

  /// The layers of precedence, the strongest first.
  public enum Kind {
    FLAG,
    SET,
    RECIPE,
    ENVIRONMENT,
    DEFAULT
  }
}
