package dev.upcycle.cli.command;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// How many threads a model computes with.
final class ComputeThreadsOption {
  @Option(
      names = {"-j", "--threads"},
      paramLabel = "N",
      description =
          "Threads of one operation on the CPU, at most 8 for each processor (default:"
              + " processors).")
  private @Nullable Integer threads;

  /// Threads of one operation wait for each other: thousands of them never meet on few processors.
  private static final int MOST_PER_PROCESSOR = 8;

  /// The number given, or that of the processors.
  int count() {
    return ThreadsOption.count(
        threads, MOST_PER_PROCESSOR * Runtime.getRuntime().availableProcessors());
  }
}
