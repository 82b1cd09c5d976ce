package dev.upcycle.cli.command;

import dev.upcycle.bench.ComputeSettings;
import dev.upcycle.cli.terminal.Terminal;
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

  ComputeSettings settings(Terminal terminal) {
    if (turns < 1) {
      throw new UsageException("--turns " + turns + ": expected at least 1");
    }
    return new ComputeSettings(compute.begin(terminal), compute.threads(), turns);
  }

  /// The type as users write it.
  String dtype() {
    return compute.dtype();
  }
}
