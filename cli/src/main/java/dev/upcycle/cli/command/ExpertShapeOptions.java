package dev.upcycle.cli.command;

import dev.upcycle.bench.DecoderShape.ExpertShape;
import picocli.CommandLine.Option;

/// Sizes of the layers of experts that a measurement is about.
final class ExpertShapeOptions {
  @Option(
      names = "--hidden",
      paramLabel = "N",
      description = "Width of the residual stream; default: ${DEFAULT-VALUE}.",
      defaultValue = "512")
  private long hidden = 512;

  @Option(
      names = "--intermediate",
      paramLabel = "N",
      description = "Width of one expert; default: ${DEFAULT-VALUE}.",
      defaultValue = "1792")
  private long intermediate = 1792;

  @Option(
      names = "--experts",
      paramLabel = "N",
      description = "Experts of a layer; default: ${DEFAULT-VALUE}.",
      defaultValue = "8")
  private int experts = 8;

  @Option(
      names = "--per-token",
      paramLabel = "N",
      description = "Experts that a token uses; default: ${DEFAULT-VALUE}.",
      defaultValue = "2")
  private int perToken = 2;

  ExpertShape shape() {
    return new ExpertShape(hidden, intermediate, experts, perToken);
  }
}
