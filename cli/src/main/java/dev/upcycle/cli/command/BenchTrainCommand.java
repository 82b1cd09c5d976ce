package dev.upcycle.cli.command;

import dev.upcycle.bench.ComputeSettings;
import dev.upcycle.bench.DecoderShape.ExpertShape;
import dev.upcycle.bench.TrainBench;
import dev.upcycle.cli.terminal.ProgressMeter;
import dev.upcycle.cli.terminal.Surroundings;
import dev.upcycle.cli.terminal.Terminal;
import dev.upcycle.kernels.bench.Turns;
import java.nio.file.Path;
import picocli.CommandLine;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// Measures the training loop.
@CommandLine.Command(
    name = "train",
    header = "Time a training run against its bare step over the same batches, in turns.",
    description = {
      "A run of `upcycle train` on a Mixtral with random weights: data, metrics, events and a"
          + " checkpoint in the middle of each turn. A ratio of 0.97 means 97 percent of the bare"
          + " step's speed; the stall is what the step after a checkpoint takes longer than others."
          + " Then images prepared and images that the model of `quickstart cumo` learns from.",
    },
    footer = {
      "upcycle bench train --layers 1 --hidden 64 --seq 32 --every 4 --turns 1",
      "upcycle bench train --layers 1 --seq 32 --every 2 --turns 1 --dtype bf16",
    })
final class BenchTrainCommand extends Command {
  @Option(
      names = "--batch",
      paramLabel = "N",
      description = "Sequences of a step; default: ${DEFAULT-VALUE}.",
      defaultValue = "4")
  private int batch = 4;

  @Option(
      names = "--seq",
      paramLabel = "N",
      description = "Tokens of a sequence; default: ${DEFAULT-VALUE}.",
      defaultValue = "256")
  private int seq = 256;

  @Option(
      names = "--every",
      paramLabel = "N",
      description =
          "Steps from checkpoint to checkpoint, and of a turn; default: ${DEFAULT-VALUE}.",
      defaultValue = "20")
  private int every = 20;

  @Option(
      names = "--dir",
      paramLabel = "DIR",
      description = "Where to work: on the disk in question (default: here).",
      defaultValue = ".")
  private Path directory = Path.of(".");

  @Mixin
  private DecoderShapeOptions shape =
      new DecoderShapeOptions(new ExpertShapeOptions(new ExpertShape(256, 768, 4, 2)));

  @Mixin private TurnOptions turns = new TurnOptions();
  @Mixin private JsonOption json = new JsonOption();

  BenchTrainCommand(Surroundings surroundings) {
    super(surroundings);
  }

  @Override
  ExitCode run(Terminal terminal) throws InterruptedException {
    TrainBench.Setting setting = BenchReport.checked(this::setting);
    ComputeSettings settings = turns.settings(terminal);
    TrainBenchReport report =
        new TrainBenchReport(BenchReport.begin("train", settings, turns.dtype()), setting);
    int all = Turns.count(settings.turns());
    TrainBench.Result result;
    try (ProgressMeter meter = terminal.meter("measuring")) {
      result =
          TrainBench.run(
              setting, settings, resolve(directory), done -> meter.counted(done, all, "turns"));
    }
    if (json.wanted()) {
      terminal.result(report.document(result));
    } else {
      terminal.result(report.text(result));
    }
    return ExitCode.OK;
  }

  private TrainBench.Setting setting() {
    return new TrainBench.Setting(shape.shape(), batch, seq, every);
  }
}
