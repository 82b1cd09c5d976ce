package dev.upcycle.cli;

import dev.upcycle.cli.terminal.Surroundings;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Runs command lines in this process.
///
/// @param workingDirectory what relative paths are relative to
/// @param environment the variables that the run sees
record Session(Path workingDirectory, Map<String, String> environment) {
  /// What a run gave back.
  record Outcome(int code, String out, String err) {}

  static Session in(Path workingDirectory) {
    return new Session(workingDirectory, Map.of());
  }

  Outcome run(String... arguments) {
    return run(List.of(arguments));
  }

  Outcome run(List<String> arguments) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int code =
        Main.run(
            arguments,
            new Surroundings(
                new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8),
                environment,
                workingDirectory,
                Set.of(),
                _ -> {}));
    return new Outcome(
        code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }
}
