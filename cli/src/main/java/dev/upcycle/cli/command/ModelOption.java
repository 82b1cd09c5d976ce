package dev.upcycle.cli.command;

import picocli.CommandLine.Option;

/// Which dense model goes in.
final class ModelOption {
  @Option(
      names = {"-m", "--model"},
      required = true,
      paramLabel = "DIR",
      description =
          "The dense model's directory, or ORG/NAME in the local Hugging Face cache (no network).")
  private String model = "";

  String given() {
    return model;
  }
}
