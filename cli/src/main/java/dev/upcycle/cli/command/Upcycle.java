package dev.upcycle.cli.command;

import picocli.CommandLine;

/// The program itself, which only names its commands.
@CommandLine.Command(
    name = "upcycle",
    header = "Turns pretrained dense models into Mixture-of-Experts.",
    synopsisSubcommandLabel = "COMMAND",
    footer = {
      "upcycle quickstart",
      "upcycle inspect ./Mistral-7B-v0.1",
      "upcycle convert mistral-8x2 --model ./Mistral-7B-v0.1 --out ./Mistral-8x7B",
    })
public final class Upcycle {}
