package dev.upcycle.cli.command;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// How many worker threads a conversion has.
final class ThreadsOption {
  @Option(
      names = {"-j", "--threads"},
      paramLabel = "N",
      description = "Worker threads; the result does not depend on it (default: processors).")
  private @Nullable Integer threads;

  /// Threads beyond this only cost memory.
  private static final int MOST = 1024;

  /// The number given, or that of the processors.
  int count() {
    return count(threads, MOST);
  }

  /// The number given, or that of the processors where none is.
  static int count(@Nullable Integer given, int most) {
    int count = given == null ? Runtime.getRuntime().availableProcessors() : given;
    if (count < 1) {
      throw new UsageException("--threads " + count + ": expected at least 1");
    }
    if (count > most) {
      throw new UsageException("--threads " + count + ": expected at most " + most);
    }
    return count;
  }
}
