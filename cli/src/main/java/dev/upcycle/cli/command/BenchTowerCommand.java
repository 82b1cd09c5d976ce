package dev.upcycle.cli.command;

import dev.upcycle.bench.ComputeSettings;
import dev.upcycle.bench.DecoderShape.ExpertShape;
import dev.upcycle.bench.TowerBench;
import dev.upcycle.bench.TowerShape;
import dev.upcycle.cli.terminal.Surroundings;
import dev.upcycle.cli.terminal.Terminal;
import java.util.LinkedHashMap;
import java.util.SequencedMap;
import picocli.CommandLine;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// Measures an image tower.
@CommandLine.Command(
    name = "tower",
    header =
        "Time a CLIP image tower with experts against the dense tower of equal work, in turns.",
    description = {
      "A forward pass over images of noise. The dense tower's feed-forward networks are as wide as"
          + " the experts that a place uses together, so both multiply as much. Weights are random."
          + " A ratio of 1.1 means that the tower with experts takes a tenth longer. The default is"
          + " the shape of ViT-L/14 at 336 pixels, 577 places an image.",
    },
    footer = {
      "upcycle bench tower --layers 1 --hidden 64 --heads 4 --turns 1   # a try",
      "upcycle bench tower --layers 1 --hidden 64 --heads 4 --dtype bf16 --json",
    })
final class BenchTowerCommand extends Command {
  @Option(
      names = "--batch",
      paramLabel = "N",
      description = "Images looked at at once; default: ${DEFAULT-VALUE}.",
      defaultValue = "4")
  private int batch = 4;

  @Option(
      names = "--layers",
      paramLabel = "N",
      description = "Layers of the tower; default: ${DEFAULT-VALUE}.",
      defaultValue = "24")
  private int layers = 24;

  @Option(
      names = "--hidden",
      paramLabel = "N",
      description = "Width of the residual stream; default: ${DEFAULT-VALUE}.",
      defaultValue = "1024")
  private long hidden = 1024;

  @Option(
      names = "--intermediate",
      paramLabel = "N",
      description = "Width of one expert; default: ${DEFAULT-VALUE}.",
      defaultValue = "4096")
  private long intermediate = 4096;

  @Option(
      names = "--experts",
      paramLabel = "N",
      description = "Experts of a layer; default: ${DEFAULT-VALUE}.",
      defaultValue = "4")
  private int experts = 4;

  @Option(
      names = "--per-token",
      paramLabel = "N",
      description = "Experts that a place uses; default: ${DEFAULT-VALUE}.",
      defaultValue = "2")
  private int perToken = 2;

  @Option(
      names = "--heads",
      paramLabel = "N",
      description = "Attention heads; default: ${DEFAULT-VALUE}.",
      defaultValue = "16")
  private int heads = 16;

  @Option(
      names = "--image",
      paramLabel = "N",
      description = "Height and width in pixels; default: ${DEFAULT-VALUE}.",
      defaultValue = "336")
  private long image = 336;

  @Option(
      names = "--patch",
      paramLabel = "N",
      description = "Height and width of a patch in pixels; default: ${DEFAULT-VALUE}.",
      defaultValue = "14")
  private long patch = 14;

  @Mixin private TurnOptions turns = new TurnOptions();
  @Mixin private JsonOption json = new JsonOption();

  BenchTowerCommand(Surroundings surroundings) {
    super(surroundings);
  }

  @Override
  ExitCode run(Terminal terminal) {
    TowerBench.Setting setting = BenchReport.checked(this::setting);
    ComputeSettings settings = turns.settings(terminal);
    BenchReport shared = BenchReport.begin("tower", settings, turns.dtype());
    report(shared, setting)
        .tell(turned -> TowerBench.run(setting, settings, turned), json, terminal);
    return ExitCode.OK;
  }

  private TowerBench.Setting setting() {
    ExpertShape sizes = new ExpertShape(hidden, intermediate, experts, perToken);
    return new TowerBench.Setting(new TowerShape(sizes, layers, heads, image, patch), batch);
  }

  private static TurnsReport report(BenchReport shared, TowerBench.Setting setting) {
    TowerShape shape = setting.shape();
    SequencedMap<String, Long> sizes = new LinkedHashMap<>();
    sizes.put("batch", (long) setting.batch());
    sizes.put("places", shape.places());
    sizes.put("layers", (long) shape.layers());
    sizes.put("heads", (long) shape.heads());
    sizes.put("image", shape.image());
    sizes.put("patch", shape.patch());
    String words =
        "%d x %d places, %d layers, %s, images of %d pixels, patches of %d"
            .formatted(
                setting.batch(),
                shape.places(),
                shape.layers(),
                TurnsReport.words(shape.experts()),
                shape.image(),
                shape.patch());
    return new TurnsReport(shared, shape.experts(), sizes, words);
  }
}
