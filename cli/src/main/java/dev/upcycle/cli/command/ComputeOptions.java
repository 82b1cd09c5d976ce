package dev.upcycle.cli.command;

import dev.upcycle.model.ModelOptions;
import dev.upcycle.text.TextModel;
import java.nio.file.Path;
import java.util.Locale;
import picocli.CommandLine.Option;

/// Where a model computes, and in what type.
final class ComputeOptions {
  /// The types that models compute in.
  enum Compute {
    f32,
    bf16
  }

  @Option(
      names = "--device",
      paramLabel = "DEVICE",
      defaultValue = "auto",
      description = "auto, cpu or cuda[:INDEX]; default: ${DEFAULT-VALUE}.")
  private String device = "auto";

  @Option(
      names = "--dtype",
      paramLabel = "TYPE",
      defaultValue = "f32",
      description = "What to compute in: ${COMPLETION-CANDIDATES}; default: ${DEFAULT-VALUE}.")
  private Compute dtype = Compute.f32;

  TextModel open(Path model) {
    return TextModel.open(model, device, dtype());
  }

  /// Device and type, for what needs no tokenizer.
  ModelOptions options() {
    return TextModel.options(device, dtype());
  }

  /// The type as users write it.
  String dtype() {
    return dtype.name().toLowerCase(Locale.ROOT);
  }
}
