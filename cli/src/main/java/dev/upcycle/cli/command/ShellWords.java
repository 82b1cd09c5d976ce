package dev.upcycle.cli.command;

import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// Arguments as a user would type them.
final class ShellWords {
  private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9_./:=,@%+-]+");

  private ShellWords() {}

  /// One line that a POSIX shell splits into these arguments again.
  static String join(List<String> arguments) {
    return arguments.stream().map(ShellWords::quote).collect(Collectors.joining(" "));
  }

  private static String quote(String argument) {
    return PLAIN.matcher(argument).matches()
        ? argument
        : "'" + argument.replace("'", "'\\''") + "'";
  }
}
