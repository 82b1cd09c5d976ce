package dev.upcycle.cli.command;

import picocli.CommandLine;

/// The commands about recipes.
@CommandLine.Command(
    name = "recipe",
    header = "List, show, copy and check recipes.",
    synopsisSubcommandLabel = "COMMAND",
    footer = {
      "upcycle recipe ls",
      "upcycle recipe show mistral-8x2 --resolved",
      "upcycle recipe cp mistral-8x2 mine.yaml",
    })
final class RecipeCommand {}
