package dev.upcycle.cli.command;

import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;

/// Which dense model goes in.
final class ModelOption {
  @Option(
      names = {"-m", "--model"},
      required = true,
      paramLabel = "[PART=]DIR",
      description = {
        "The dense model's directory, or ORG/NAME in the local Hugging Face cache (no network).",
        "A LLaVA may come in parts: language=DIR, vision=DIR, connector=FILE, one option each."
      })
  private List<String> models = new ArrayList<>();

  DenseModel given() {
    return DenseModel.of(models);
  }
}
