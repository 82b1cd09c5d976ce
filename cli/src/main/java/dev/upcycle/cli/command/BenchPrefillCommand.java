package dev.upcycle.cli.command;

import dev.upcycle.bench.ComputeSettings;
import dev.upcycle.bench.DecoderBench;
import dev.upcycle.cli.terminal.Surroundings;
import dev.upcycle.cli.terminal.Terminal;
import picocli.CommandLine;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// Measures the reading of a prompt.
@CommandLine.Command(
    name = "prefill",
    header =
        "Time a Mixtral's reading of a prompt against the dense Mistral of equal work, in turns.",
    description = {
      "A forward pass that keeps the cache and computes the last token's logits, as generating"
          + " does. The dense model's feed-forward networks are as wide as the experts that a token"
          + " uses together, so both multiply as much. Weights are random. A ratio of 1.1 means that"
          + " the model with experts takes a tenth longer.",
    },
    footer = {
      "upcycle bench prefill --layers 1 --hidden 64 --turns 1   # a try",
      "upcycle bench prefill --layers 1 --hidden 64 --turns 3 --dtype bf16 --json",
    })
final class BenchPrefillCommand extends Command {
  @Option(
      names = "--batch",
      paramLabel = "N",
      description = "Prompts read at once; default: ${DEFAULT-VALUE}.",
      defaultValue = "1")
  private int batch = 1;

  @Option(
      names = "--seq",
      paramLabel = "N",
      description = "Tokens of a sequence; default: ${DEFAULT-VALUE}.",
      defaultValue = "2048")
  private int seq = 2048;

  @Mixin private DecoderShapeOptions shape = new DecoderShapeOptions();
  @Mixin private TurnOptions turns = new TurnOptions();
  @Mixin private JsonOption json = new JsonOption();

  BenchPrefillCommand(Surroundings surroundings) {
    super(surroundings);
  }

  @Override
  ExitCode run(Terminal terminal) {
    DecoderBench.Setting setting =
        BenchReport.checked(
            () -> new DecoderBench.Setting(DecoderBench.Job.PREFILL, shape.shape(), batch, seq));
    ComputeSettings settings = turns.settings(terminal);
    BenchReport shared = BenchReport.begin("prefill", settings, turns.dtype());
    TurnsReport.of(shared, setting)
        .tell(turned -> DecoderBench.run(setting, settings, turned), json, terminal);
    return ExitCode.OK;
  }
}
