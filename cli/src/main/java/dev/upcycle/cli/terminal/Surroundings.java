package dev.upcycle.cli.terminal;

import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;

/// Everything that a run of the command line takes from the process, so that tests can give it.
///
/// @param out where results go
/// @param err where progress, logs and hints go
/// @param environment the process's variables
/// @param workingDirectory what relative paths are relative to
/// @param terminals which of the two streams a person is looking at
/// @param signals what becomes of work that the process is told to end
public record Surroundings(
    PrintStream out,
    PrintStream err,
    Map<String, String> environment,
    Path workingDirectory,
    Set<Stream> terminals,
    Signals signals) {
  /// The two output streams.
  public enum Stream {
    OUT,
    ERR
  }

  /// Takes copies.
  public Surroundings {
    environment = Map.copyOf(environment);
    terminals = Set.copyOf(terminals);
  }

  /// The path that a user's relative or absolute path means; `..` is left to the file system, which
  /// follows links before it.
  public Path resolve(Path path) {
    return workingDirectory.resolve(path);
  }

  /// True when colours are wanted on this stream: a terminal that can, and no `NO_COLOR`.
  public boolean colours(Stream stream) {
    return terminals.contains(stream)
        && environment.getOrDefault("NO_COLOR", "").isEmpty()
        && !dumb();
  }

  /// True when lines of this stream can be redrawn.
  public boolean redraws(Stream stream) {
    return terminals.contains(stream) && !dumb();
  }

  private boolean dumb() {
    return environment.getOrDefault("TERM", "").equals("dumb");
  }
}
