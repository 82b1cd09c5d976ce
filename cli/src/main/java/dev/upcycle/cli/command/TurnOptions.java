package dev.upcycle.cli.command;

import dev.upcycle.bench.ComputeSettings;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// How a measurement of computing runs.
final class TurnOptions {
  @Option(
      names = "--turns",
      paramLabel = "N",
      description = "How many times each side runs, after two warm-ups; default: ${DEFAULT-VALUE}.",
      defaultValue = "7")
  private int turns = 7;

  @Mixin private ComputeOptions compute = new ComputeOptions();
  @Mixin private ThreadsOption threads = new ThreadsOption();

  ComputeSettings settings() {
    if (turns < 1) {
      throw new UsageException("--turns " + turns + ": expected at least 1");
    }
    return new ComputeSettings(compute.options(), threads.count(), turns);
  }

  /// The type as users write it.
  String dtype() {
    return compute.dtype();
  }
}
