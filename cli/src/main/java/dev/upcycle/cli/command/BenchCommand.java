package dev.upcycle.cli.command;

import picocli.CommandLine;

/// The measurements that a user can repeat.
@CommandLine.Command(
    name = "bench",
    header = "Measure this program here, against a baseline in the same run.",
    synopsisSubcommandLabel = "COMMAND",
    footer = {
      "upcycle bench convert --size 20MB --pairs 1",
      "upcycle bench step --layers 1 --hidden 64 --turns 1   # a try",
    })
final class BenchCommand {}
