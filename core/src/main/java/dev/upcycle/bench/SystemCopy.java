package dev.upcycle.bench;

import dev.upcycle.checkpoint.write.ResourceException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/// The operating system's own copy, as the yardstick.
final class SystemCopy {
  private SystemCopy() {}

  /// Runs `cp -r FROM TO` and `sync -f TO`.
  static void copySynced(Path from, Path to) throws IOException {
    run(List.of("cp", "-r", from.toString(), to.toString()));
    run(List.of("sync", "-f", to.toString()));
  }

  private static void run(List<String> command) throws IOException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    try {
      int status = process.waitFor();
      if (status != 0) {
        throw new ResourceException(
            String.format(
                Locale.ROOT,
                "%s ended with status %d: %s",
                String.join(" ", command),
                status,
                said.strip()));
      }
    } catch (InterruptedException e) {
      process.destroy();
      Thread.currentThread().interrupt();
      throw new java.util.concurrent.CancellationException("interrupted");
    }
  }
}
