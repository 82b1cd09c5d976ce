package dev.upcycle.cli.command;

import dev.upcycle.bench.DecoderShape.ExpertShape;
import picocli.CommandLine.Option;

/// Sizes of the layers of experts that a measurement is about.
final class ExpertShapeOptions {
  @Option(
      names = "--hidden",
      paramLabel = "N",
      description = "Width of the residual stream; default: ${DEFAULT-VALUE}.")
  private long hidden;

  @Option(
      names = "--intermediate",
      paramLabel = "N",
      description = "Width of one expert; default: ${DEFAULT-VALUE}.")
  private long intermediate;

  @Option(
      names = "--experts",
      paramLabel = "N",
      description = "Experts of a layer; default: ${DEFAULT-VALUE}.")
  private int experts;

  @Option(
      names = "--per-token",
      paramLabel = "N",
      description = "Experts that a token uses; default: ${DEFAULT-VALUE}.")
  private int perToken;

  /// The shape that the published figures are of.
  ExpertShapeOptions() {
    this(new ExpertShape(512, 1792, 8, 2));
  }

  /// @param usual what holds unless an option says otherwise
  ExpertShapeOptions(ExpertShape usual) {
    this.hidden = usual.hidden();
    this.intermediate = usual.intermediate();
    this.experts = usual.count();
    this.perToken = usual.perToken();
  }

  ExpertShape shape() {
    return new ExpertShape(hidden, intermediate, experts, perToken);
  }
}
