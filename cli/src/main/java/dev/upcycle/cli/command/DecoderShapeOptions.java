package dev.upcycle.cli.command;

import dev.upcycle.bench.DecoderShape;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// The shape of the Mixtral that a measurement is about.
final class DecoderShapeOptions {
  @Option(
      names = "--layers",
      paramLabel = "N",
      description = "Decoder layers; default: ${DEFAULT-VALUE}.",
      defaultValue = "4")
  private int layers = 4;

  @Mixin private ExpertShapeOptions experts;

  @Option(
      names = "--heads",
      paramLabel = "N",
      description = "Attention heads; default: ${DEFAULT-VALUE}.",
      defaultValue = "8")
  private int heads = 8;

  @Option(
      names = "--kv-heads",
      paramLabel = "N",
      description = "Heads of keys and values; default: ${DEFAULT-VALUE}.",
      defaultValue = "4")
  private int kvHeads = 4;

  @Option(
      names = "--vocab",
      paramLabel = "N",
      description = "Rows of the embedding; default: ${DEFAULT-VALUE}.",
      defaultValue = "4096")
  private long vocab = 4096;

  /// The layers that the published figures are of.
  DecoderShapeOptions() {
    this(new ExpertShapeOptions());
  }

  /// @param experts of its layers
  DecoderShapeOptions(ExpertShapeOptions experts) {
    this.experts = experts;
  }

  DecoderShape shape() {
    return new DecoderShape(experts.shape(), layers, heads, kvHeads, vocab);
  }
}
