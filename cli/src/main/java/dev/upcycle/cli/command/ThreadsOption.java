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

  /// The number given, or that of the processors.
  int count() {
    return count(threads);
  }

  /// The number given, or that of the processors where none is.
  static int count(@Nullable Integer given) {
    int count = given == null ? Runtime.getRuntime().availableProcessors() : given;
    if (count < 1) {
      throw new UsageException("--threads " + count + ": expected at least 1");
    }
    return count;
  }
}
