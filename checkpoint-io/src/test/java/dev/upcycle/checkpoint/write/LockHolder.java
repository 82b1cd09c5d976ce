package dev.upcycle.checkpoint.write;

import dev.upcycle.checkpoint.write.CheckpointWriter.Mode;
import java.nio.file.Path;

/// A process that begins to write an output and then does nothing until it is killed.
final class LockHolder {
  static final String READY = "holding";

  private LockHolder() {}

  static Process start(Path out) throws java.io.IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp",
            System.getProperty("java.class.path"),
            LockHolder.class.getName(),
            out.toString())
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }

  public static void main(String[] arguments) throws InterruptedException {
    try (CheckpointWriter writer = new Scene(Path.of(arguments[0])).begin(Mode.FRESH)) {
      System.out.println(READY + " " + writer.pending());
      Thread.sleep(Long.MAX_VALUE);
    }
  }
}
