package dev.upcycle.cli.command;

import dev.upcycle.bench.ComputeSettings;
import dev.upcycle.bench.DecoderBench;
import dev.upcycle.cli.terminal.Surroundings;
import dev.upcycle.cli.terminal.Terminal;
import picocli.CommandLine;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// Measures a training step.
@CommandLine.Command(
    name = "step",
    header = "Time a Mixtral's training step against the dense Mistral of equal work, in turns.",
    description = {
      "A step is forward, backward, clipping of the gradients' norm and AdamW; bf16 weights have"
          + " float32 masters. The dense model's feed-forward networks are as wide as the experts that"
          + " a token uses together, so both multiply as much. Weights are random. A ratio of 1.1"
          + " means that the model with experts takes a tenth longer.",
    },
    footer = {
      "upcycle bench step --layers 1 --hidden 64 --turns 1   # a try",
      "upcycle bench step --layers 1 --hidden 64 --turns 3 --dtype bf16 --json",
    })
final class BenchStepCommand extends Command {
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
      defaultValue = "512")
  private int seq = 512;

  @Mixin private DecoderShapeOptions shape = new DecoderShapeOptions();
  @Mixin private TurnOptions turns = new TurnOptions();
  @Mixin private JsonOption json = new JsonOption();

  BenchStepCommand(Surroundings surroundings) {
    super(surroundings);
  }

  @Override
  ExitCode run(Terminal terminal) {
    DecoderBench.Setting setting =
        BenchReport.checked(
            () -> new DecoderBench.Setting(DecoderBench.Job.STEP, shape.shape(), batch, seq));
    ComputeSettings settings = turns.settings(terminal);
    BenchReport shared = BenchReport.begin("step", settings, turns.dtype());
    TurnsReport.of(shared, setting)
        .tell(turned -> DecoderBench.run(setting, settings, turned), json, terminal);
    return ExitCode.OK;
  }
}
