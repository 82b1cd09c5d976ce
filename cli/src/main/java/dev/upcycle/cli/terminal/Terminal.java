package dev.upcycle.cli.terminal;

import java.nio.file.Path;
import java.util.Optional;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/// Where a command prints: results to stdout; progress, notes, hints and errors to stderr; all of
/// the latter to the log file as well.
public final class Terminal implements AutoCloseable {
  private final Surroundings surroundings;
  private final Verbosity verbosity;
  private final @Nullable Log log;

  public Terminal(Surroundings surroundings, Verbosity verbosity, Optional<Path> logFile) {
    this.surroundings = surroundings;
    this.verbosity = verbosity;
    this.log = logFile.map(Log::open).orElse(null);
  }

  /// Prints a result: lines of text.
  public void result(String text) {
    surroundings.out().println(Printable.of(text));
  }

  /// Prints a piece of a result that grows, and shows it at once.
  public void piece(String text) {
    surroundings.out().print(Printable.of(text));
    surroundings.out().flush();
  }

  /// Prints a result: the one JSON document of the run; JSON has no numbers for what is not finite,
  /// so that becomes null.
  public void result(JsonNode document) {
    ObjectMapper mapper = JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();
    surroundings.out().println(mapper.writeValueAsString(Documents.finite(document)));
  }

  /// Says something that the user may want to know; `--quiet` silences it.
  public void note(String text) {
    say("note", text, Verbosity.NORMAL);
  }

  /// Says something in detail; only with `--verbose`.
  public void detail(String text) {
    say("detail", text, Verbosity.VERBOSE);
  }

  /// Says something that the user should know.
  public void warning(String text) {
    say("warning", "warning: " + text, Verbosity.QUIET);
  }

  /// Says what went wrong.
  public void error(String text) {
    say("error", "upcycle: " + text, Verbosity.QUIET);
  }

  /// Says how to go on after an error.
  public void hint(String text) {
    say("hint", "hint: " + text, Verbosity.QUIET);
  }

  /// Writes a stack trace into the log file, if there is one.
  public void logTrace(Throwable fault) {
    if (log != null) {
      log.trace(fault);
    }
  }

  /// A meter of a long job's bytes.
  ///
  /// @param job what is being done, such as `converting`
  public ProgressMeter meter(String job) {
    return meter(job, System::nanoTime);
  }

  /// The same by another clock.
  ///
  /// @param nanos a clock in nanoseconds
  public ProgressMeter meter(String job, LongSupplier nanos) {
    boolean redraws = surroundings.redraws(Surroundings.Stream.ERR);
    ProgressMeter.Style style =
        verbosity == Verbosity.QUIET
            ? ProgressMeter.Style.SILENT
            : redraws ? ProgressMeter.Style.REDRAWN : ProgressMeter.Style.LINES;
    return new ProgressMeter(job, surroundings.err(), style, nanos);
  }

  private void say(String level, String text, Verbosity least) {
    if (log != null) {
      log.message(level, Printable.of(text));
    }
    if (verbosity.compareTo(least) >= 0) {
      surroundings.err().println(Printable.of(text));
    }
  }

  /// Closes the log file.
  @Override
  public void close() {
    surroundings.out().flush();
    surroundings.err().flush();
    if (log != null) {
      log.close();
    }
  }
}
