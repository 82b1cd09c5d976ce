package dev.upcycle.cli.command;

import dev.upcycle.recipe.Origin;
import dev.upcycle.recipe.Setting;

/// The argument of `--set`.
final class SetArgument {
  private SetArgument() {}

  /// Splits at the first `=`.
  static Setting parse(String argument) {
    int equals = argument.indexOf('=');
    if (equals < 1) {
      throw new UsageException(
          "--set " + argument + ": expected KEY=VALUE, such as --set language.experts.count=4");
    }
    return new Setting(
        new Origin(Origin.Kind.SET, "--set " + argument),
        argument.substring(0, equals),
        argument.substring(equals + 1));
  }
}
