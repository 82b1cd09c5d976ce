package dev.upcycle.cli.command;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.cli.terminal.Surroundings;
import dev.upcycle.cli.terminal.Terminal;
import dev.upcycle.plan.BareSource;
import dev.upcycle.plan.Planner;
import dev.upcycle.plan.UpcyclePlan;
import dev.upcycle.recipe.Component;
import dev.upcycle.recipe.Part;
import dev.upcycle.recipe.ResolvedRecipe;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// Prints what a conversion would do.
@CommandLine.Command(
    name = "plan",
    header = "Show what convert would do, without writing anything.",
    description =
        "--model, and each of its parts, may name a bare config.json too; the weights are then taken"
            + " to be what it promises.",
    footer = {
      "upcycle plan mistral-8x2 --model ./Mistral-7B-v0.1",
      "upcycle plan --model ./Mistral-7B-v0.1/config.json --experts 4 --json",
      "upcycle plan cumo-mistral-7b --model language=./Mistral-7B-v0.1 \\",
      "  --model vision=./clip-vit-large-patch14-336/config.json",
    })
final class PlanCommand extends Command {
  @Mixin private RecipeOptions recipe = new RecipeOptions();
  @Mixin private ModelOption model = new ModelOption();

  @Option(
      names = {"-o", "--out"},
      paramLabel = "DIR",
      defaultValue = ".",
      description = "Where the result would lie, to look at its disk (default: here).")
  private Path out = Path.of(".");

  @Mixin private JsonOption json = new JsonOption();

  PlanCommand(Surroundings surroundings) {
    super(surroundings);
  }

  @Override
  ExitCode run(Terminal terminal) {
    DenseModel dense = model.given();
    Optional<Path> config =
        dense
            .single(surroundings())
            .filter(path -> Files.isRegularFile(path) && path.toString().endsWith(".json"));
    Map<Part, ModelConfig> bareParts = dense.bareParts(surroundings());
    UpcyclePlan plan =
        config.isPresent()
            ? ofConfig(config.get(), terminal)
            : bareParts.isEmpty() ? ofCheckpoint(dense, terminal) : ofParts(bareParts, terminal);
    PlanReport report = PlanReport.of(plan, dense.shown(surroundings()), resolve(out));
    if (json.wanted()) {
      terminal.result(report.document());
    } else {
      report.print(terminal);
    }
    return ExitCode.OK;
  }

  private UpcyclePlan ofConfig(Path file, Terminal terminal) {
    ModelConfig config = ModelConfig.read(file);
    return Planner.plan(config, recipe.resolve(config, surroundings(), terminal));
  }

  private UpcyclePlan ofParts(Map<Part, ModelConfig> parts, Terminal terminal) {
    ModelConfig oneScale = BareSource.of(parts, Component.ONE_SCALE).config();
    ResolvedRecipe resolved = recipe.resolve(oneScale, surroundings(), terminal);
    List<Integer> scales =
        resolved.recipe().component(Part.VISION).map(Component::scales).orElse(Component.ONE_SCALE);
    return Planner.plan(BareSource.of(parts, scales), resolved);
  }

  private UpcyclePlan ofCheckpoint(DenseModel dense, Terminal terminal) {
    Checkpoint source = dense.open(surroundings());
    source.notes().forEach(terminal::note);
    return Planner.plan(source, recipe.resolve(source.config(), surroundings(), terminal));
  }
}
