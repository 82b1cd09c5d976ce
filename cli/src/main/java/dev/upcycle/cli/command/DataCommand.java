package dev.upcycle.cli.command;

import picocli.CommandLine;

/// The commands about training data.
@CommandLine.Command(
    name = "data",
    header = "Look at the data of a recipe's stages before anything is trained.",
    synopsisSubcommandLabel = "COMMAND",
    footer = {
      "upcycle data check --help",
    })
final class DataCommand {}
