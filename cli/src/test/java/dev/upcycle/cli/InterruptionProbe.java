package dev.upcycle.cli;

import dev.upcycle.cli.terminal.Surroundings;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;

/// The program with little patience, and with a gate: what prints a certain text waits, whatever
/// interrupts it, until a file is there.
final class InterruptionProbe {
  static final Duration PATIENCE = Duration.ofMillis(300);
  static final String REACHED = "reached";
  static final String OPEN = "open";
  private static final long POLL_MILLIS = 5;

  private InterruptionProbe() {}

  /// Runs a command line in a folder.
  ///
  /// @param arguments the folder, the text, the command line
  public static void main(String[] arguments) {
    Path folder = Path.of(arguments[0]);
    Interruption interruption = Interruption.watch(Thread.currentThread(), PATIENCE);
    int code =
        Main.run(
            Arrays.asList(arguments).subList(2, arguments.length),
            new Surroundings(
                System.out,
                new PrintStream(new Gate(folder, arguments[1]), true, StandardCharsets.UTF_8),
                Map.of(),
                folder,
                Set.of(Surroundings.Stream.ERR),
                interruption));
    interruption.finish(code);
    System.exit(code);
  }

  private static final class Gate extends OutputStream {
    private final Path folder;
    private final String text;

    Gate(Path folder, String text) {
      this.folder = folder;
      this.text = text;
    }

    @Override
    public void write(int octet) {
      System.err.write(octet);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) {
      System.err.write(bytes, offset, length);
      if (new String(bytes, offset, length, StandardCharsets.UTF_8).contains(text)) {
        await();
      }
    }

    private void await() {
      boolean interrupted = false;
      try {
        Files.write(folder.resolve(REACHED), new byte[0]);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      while (Files.notExists(folder.resolve(OPEN))) {
        try {
          Thread.sleep(POLL_MILLIS);
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
