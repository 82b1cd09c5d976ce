package dev.upcycle.cli.command;

import dev.upcycle.cli.terminal.Surroundings;
import dev.upcycle.cli.terminal.Terminal;
import dev.upcycle.cli.terminal.Verbosity;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// How much is said, and where.
final class OutputOptions {
  @Option(
      order = 91,
      names = {"-q", "--quiet"},
      description = "Print the result, warnings and errors only.")
  private boolean quiet;

  @Option(
      order = 92,
      names = {"-v", "--verbose"},
      description = "Say more on stderr.")
  private boolean verbose;

  @Option(
      order = 93,
      names = "--log-file",
      paramLabel = "FILE",
      description = "Append everything that is said, with stack traces, to this file.")
  private @Nullable Path logFile;

  @Option(order = 94, names = "--trace", description = "Print the stack trace of an error.")
  private boolean trace;

  Terminal open(Surroundings surroundings) {
    if (quiet && verbose) {
      throw new UsageException("--quiet and --verbose exclude each other");
    }
    Verbosity verbosity = quiet ? Verbosity.QUIET : verbose ? Verbosity.VERBOSE : Verbosity.NORMAL;
    return new Terminal(
        surroundings, verbosity, Optional.ofNullable(logFile).map(surroundings::resolve));
  }

  boolean trace() {
    return trace;
  }
}
