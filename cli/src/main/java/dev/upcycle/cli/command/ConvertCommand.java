package dev.upcycle.cli.command;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.write.CheckpointWriter.Mode;
import dev.upcycle.cli.terminal.Documents;
import dev.upcycle.cli.terminal.ProgressMeter;
import dev.upcycle.cli.terminal.Quantities;
import dev.upcycle.cli.terminal.Surroundings;
import dev.upcycle.cli.terminal.Terminal;
import dev.upcycle.convert.PlanExecutor;
import dev.upcycle.plan.Planner;
import dev.upcycle.plan.UpcyclePlan;
import java.nio.file.Path;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.node.ObjectNode;

/// Makes a Mixture-of-Experts of a dense model.
@CommandLine.Command(
    name = "convert",
    header = "Turn a dense model into a Mixture-of-Experts.",
    description =
        "Writes into OUT.partial and renames it at the end, so that nothing that looks like a model"
            + " is left when it is interrupted; --resume then keeps the finished files.",
    footer = {
      "upcycle convert mistral-8x2 --model ./Mistral-7B-v0.1 --out ./Mistral-8x7B",
      "upcycle convert --model ./Mistral-7B-v0.1 --experts 4 --per-token 1 \\",
      "  --out ./Mistral-4x7B",
      "upcycle convert mistral-8x2 --model ./Mistral-7B-v0.1 \\",
      "  --out ./Mistral-8x7B-zero --set 'language.router.init={kind: zero}'",
    })
final class ConvertCommand extends Command {
  @Mixin private RecipeOptions recipe = new RecipeOptions();
  @Mixin private ModelOption model = new ModelOption();

  @Option(
      names = {"-o", "--out"},
      required = true,
      paramLabel = "DIR",
      description = "The directory to make; refused when something lies in it.")
  private Path out = Path.of("");

  @Option(
      names = {"-n", "--dry-run"},
      description = "Print the plan and write nothing, as upcycle plan does.")
  private boolean dryRun;

  @Option(names = "--resume", description = "Go on with an interrupted run of the same plan.")
  private boolean resume;

  @Option(
      names = "--overwrite",
      description = "Replace an earlier result; only files that its manifest lists are removed.")
  private boolean overwrite;

  @Mixin private ThreadsOption threads = new ThreadsOption();
  @Mixin private JsonOption json = new JsonOption();

  ConvertCommand(Surroundings surroundings) {
    super(surroundings);
  }

  @Override
  ExitCode run(Terminal terminal) {
    Mode mode = mode();
    int workers = threads.count();
    DenseModel dense = model.given();
    Checkpoint source = dense.open(surroundings());
    source.notes().forEach(terminal::note);
    UpcyclePlan plan =
        Planner.plan(source, recipe.resolve(source.config(), surroundings(), terminal));
    Path target = resolve(out);
    PlanReport report = PlanReport.of(plan, dense.shown(surroundings()), target);
    if (dryRun) {
      if (json.wanted()) {
        terminal.result(report.document());
      } else {
        report.print(terminal);
      }
      return ExitCode.OK;
    }
    report.sayAll(terminal);
    PlanExecutor.Result result;
    try (ProgressMeter meter = terminal.meter("converting")) {
      result =
          PlanExecutor.run(plan, source, new PlanExecutor.Options(target, mode, workers), meter);
    }
    print(result, plan, terminal);
    terminal.note(
        "check it: "
            + Build.command()
            + " verify "
            + ShellWords.join(
                Stream.concat(
                        dense.arguments(surroundings()).stream(), Stream.of(target.toString()))
                    .toList()));
    return ExitCode.OK;
  }

  private Mode mode() {
    if (resume && overwrite) {
      throw new UsageException(
          "--resume and --overwrite exclude each other: --resume goes on with OUT.partial,"
              + " --overwrite begins again and replaces OUT at the end");
    }
    return resume ? Mode.RESUME : overwrite ? Mode.OVERWRITE : Mode.FRESH;
  }

  private void print(PlanExecutor.Result result, UpcyclePlan plan, Terminal terminal) {
    if (json.wanted()) {
      ObjectNode document =
          Documents.of("convert")
              .put("out", result.out().toString())
              .put("target", plan.target().modelType())
              .put("recipe", plan.recipe().recipe().name())
              .put("plan_sha256", plan.sha256())
              .put("files", result.files())
              .put("kept_files", result.keptFiles())
              .put("written_bytes", result.bytes());
      terminal.result(document);
      return;
    }
    String kept =
        result.keptFiles() == 0
            ? ""
            : ", " + result.keptFiles() + " of them kept from the interrupted run";
    terminal.result(
        result.out()
            + ": "
            + plan.target().modelType()
            + ", "
            + result.files()
            + (result.files() == 1 ? " weights file" : " weights files")
            + kept
            + ", "
            + Quantities.bytes(result.bytes())
            + " written");
  }

  @Override
  String afterInterruption() {
    return overwrite
        ? "go on where it stopped: the same command with --resume in place of --overwrite, once"
            + " what lies in the way is moved; or start again: the same command"
        : "go on where it stopped: the same command with --resume";
  }
}
