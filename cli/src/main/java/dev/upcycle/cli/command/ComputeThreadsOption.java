package dev.upcycle.cli.command;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// How many threads a model computes with.
final class ComputeThreadsOption {
  @Option(
      names = {"-j", "--threads"},
      paramLabel = "N",
      description = "Threads of one operation on the CPU (default: processors).")
  private @Nullable Integer threads;

  /// The number given, or that of the processors.
  int count() {
    return ThreadsOption.count(threads);
  }
}
