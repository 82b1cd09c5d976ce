package dev.upcycle.cli.command;

import dev.upcycle.checkpoint.write.CheckpointWriter.Mode;
import dev.upcycle.cli.terminal.Documents;
import dev.upcycle.cli.terminal.ProgressMeter;
import dev.upcycle.cli.terminal.Quantities;
import dev.upcycle.cli.terminal.Surroundings;
import dev.upcycle.cli.terminal.Terminal;
import dev.upcycle.densify.DensePlan;
import dev.upcycle.densify.Densifier;
import dev.upcycle.densify.ExpertChoice;
import dev.upcycle.dialect.Sources;
import dev.upcycle.recipe.ByteSize;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.node.ObjectNode;

/// Makes a converted model dense again.
@CommandLine.Command(
    name = "densify",
    header = "Turn a converted model back into the dense model that it was made from.",
    description = {
      "Reads the model's upcycle.json backwards, so it works for everything that upcycle convert"
          + " writes. The dense model's names and config come back; its tensors byte for byte,"
          + " unless --dtype rounded them.",
      "Experts that training parted are refused, naming the first tensor that differs; --expert or"
          + " --mean then say what the dense network becomes.",
    },
    footer = {
      "upcycle densify ./Mistral-8x7B --out ./Mistral-7B-again",
      "upcycle densify ./Mistral-8x7B-tuned --mean --out ./Mistral-7B-tuned",
      "upcycle densify ./Mistral-8x7B-tuned --expert 3 --out ./Mistral-7B-expert-3",
    })
final class DensifyCommand extends Command {
  @Parameters(
      paramLabel = "MODEL",
      description = "The directory that upcycle convert or upcycle train wrote.")
  private String model = "";

  @Option(
      names = {"-o", "--out"},
      required = true,
      paramLabel = "DIR",
      description = "The directory to make; refused when something lies in it.")
  private Path out = Path.of("");

  @Option(
      names = "--expert",
      paramLabel = "N",
      description = "Take expert N, from 0, of every layer.")
  private @Nullable Integer expert;

  @Option(names = "--mean", description = "Take the mean of all experts of a layer.")
  private boolean mean;

  @Option(
      names = {"-n", "--dry-run"},
      description = "Say what would come out; compare no experts and write nothing.")
  private boolean dryRun;

  @Option(names = "--resume", description = "Go on with an interrupted run of the same kind.")
  private boolean resume;

  @Option(
      names = "--max-shard-size",
      paramLabel = "SIZE",
      defaultValue = "5GB",
      description = "Limit of one weights file in bytes; default: ${DEFAULT-VALUE}.")
  private String maxShardSize = "5GB";

  @Mixin private ThreadsOption threads = new ThreadsOption();
  @Mixin private JsonOption json = new JsonOption();

  DensifyCommand(Surroundings surroundings) {
    super(surroundings);
  }

  @Override
  ExitCode run(Terminal terminal) {
    ExpertChoice choice = choice();
    Densifier.Options options =
        new Densifier.Options(
            resolve(out), resume ? Mode.RESUME : Mode.FRESH, shardBytes(), threads.count());
    DensePlan plan = DensePlan.of(Sources.open(Models.locate(model, surroundings())));
    plan.leftOut()
        .forEach(one ->
            terminal.note(
                one.name() + " does not come back: conversion left it out, " + one.reason()));
    if (!dryRun) {
      write(plan, choice, options, terminal);
    }
    print(plan, options, terminal);
    return ExitCode.OK;
  }

  private ExpertChoice choice() {
    if (mean && expert != null) {
      throw new UsageException("--mean and --expert exclude each other");
    }
    if (expert != null && expert < 0) {
      throw new UsageException("--expert " + expert + ": expected 0 or more");
    }
    return mean
        ? new ExpertChoice.Mean()
        : expert == null ? new ExpertChoice.Shared() : new ExpertChoice.One(expert);
  }

  private long shardBytes() {
    return ByteSize.parse(maxShardSize)
        .orElseThrow(() ->
            new UsageException(
                "--max-shard-size " + maxShardSize + ": expected a size such as 5GB or 500MiB"));
  }

  private static void write(
      DensePlan plan, ExpertChoice choice, Densifier.Options options, Terminal terminal) {
    try (ProgressMeter comparing = terminal.meter("comparing copies");
        ProgressMeter writing = terminal.meter("writing")) {
      Densifier.run(plan, choice, options, new Densifier.Meters(comparing, writing));
    }
  }

  private void print(DensePlan plan, Densifier.Options options, Terminal terminal) {
    int files = plan.layout(options.maxShardBytes()).shards().size();
    String family = plan.config().modelType();
    if (json.wanted()) {
      ObjectNode document =
          Documents.of("densify")
              .put("out", options.out().toString())
              .put("family", family)
              .put("parameters", plan.parameters())
              .put("tensors", plan.tensors().size())
              .put("bytes", plan.bytes())
              .put("files", files)
              .put("written", !dryRun);
      terminal.result(document);
      return;
    }
    terminal.result(
        options.out()
            + (dryRun ? " would be: " : ": ")
            + family
            + ", "
            + Quantities.count(plan.parameters())
            + " parameters, "
            + plan.tensors().size()
            + " tensors, "
            + Quantities.bytes(plan.bytes())
            + " in "
            + files
            + (files == 1 ? " weights file" : " weights files"));
  }

  @Override
  String afterInterruption() {
    return "go on where it stopped: the same command with --resume";
  }
}
