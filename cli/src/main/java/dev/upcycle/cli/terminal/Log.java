package dev.upcycle.cli.terminal;

import dev.upcycle.checkpoint.write.ResourceException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Locale;

/// A log file: every message whatever the verbosity, with the time, and every stack trace.
final class Log implements AutoCloseable {
  private final PrintWriter writer;

  private Log(PrintWriter writer) {
    this.writer = writer;
  }

  /// Appends to the file, which is made when it is not there.
  static Log open(Path file) {
    try {
      return new Log(
          new PrintWriter(
              Files.newBufferedWriter(
                  file,
                  StandardCharsets.UTF_8,
                  StandardOpenOption.CREATE,
                  StandardOpenOption.APPEND),
              true));
    } catch (IOException e) {
      throw new ResourceException(
          "cannot write the log file " + file + ": " + e + "; give --log-file another path", e);
    }
  }

  synchronized void message(String level, String text) {
    writer.printf(
        Locale.ROOT, "%s %-7s %s%n", Instant.now().truncatedTo(ChronoUnit.MILLIS), level, text);
  }

  synchronized void trace(Throwable fault) {
    fault.printStackTrace(writer);
    writer.flush();
  }

  @Override
  public void close() {
    writer.close();
  }
}
