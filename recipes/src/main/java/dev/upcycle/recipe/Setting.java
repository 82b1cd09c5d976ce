package dev.upcycle.recipe;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// A value given outside the recipe file; it replaces the whole value at its path.
///
/// @param origin who gave it
/// @param keyPath such as `language.experts.count`
/// @param yaml the value as YAML text, such as `{kind: normal, std: 0.5}`
/// @param directory what a relative path in the value is relative to; empty where there is none
public record Setting(Origin origin, String keyPath, String yaml, Optional<Path> directory) {
  private static final String SET = "--set";

  /// A value that names no file.
  public Setting(Origin origin, String keyPath, String yaml) {
    this(origin, keyPath, yaml, Optional.empty());
  }

  /// This value, its paths relative to a folder.
  public Setting relativeTo(Path folder) {
    return new Setting(origin, keyPath, yaml, Optional.of(folder));
  }

  /// The value of a flag of its own, such as `--experts 8`.
  public static Setting flag(String flag, String keyPath, String yaml) {
    return new Setting(new Origin(Origin.Kind.FLAG, flag), keyPath, yaml);
  }

  /// What stands behind `--set`.
  ///
  /// @param assignment such as `language.experts.count=5`
  /// @throws RecipeException when there is no path or no `=`
  public static Setting parse(String assignment) {
    int equals = assignment.indexOf('=');
    if (equals <= 0) {
      throw new RecipeException(
          List.of(
              new Complaint(
                  SET + " " + assignment,
                  0,
                  0,
                  "",
                  "expected KEY.PATH=VALUE, such as language.experts.count=8")));
    }
    return new Setting(
        new Origin(Origin.Kind.SET, SET),
        assignment.substring(0, equals).strip(),
        assignment.substring(equals + 1));
  }

  /// As the user wrote it, for complaints.
  String shown() {
    return switch (origin.kind()) {
      case SET -> SET + " " + keyPath + "=" + yaml;
      case ENVIRONMENT -> origin.detail() + "=" + yaml;
      case FLAG, RECIPE, DEFAULT -> origin.detail() + " " + yaml;
    };
  }
}
