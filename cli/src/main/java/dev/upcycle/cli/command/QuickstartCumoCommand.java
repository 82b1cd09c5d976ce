package dev.upcycle.cli.command;

import static dev.upcycle.cli.command.LayersReport.number;

import dev.upcycle.cli.terminal.Documents;
import dev.upcycle.cli.terminal.Quantities;
import dev.upcycle.cli.terminal.Surroundings;
import dev.upcycle.cli.terminal.Table;
import dev.upcycle.cli.terminal.Terminal;
import dev.upcycle.evaluate.ModalLoad;
import dev.upcycle.quickstart.CumoQuickstart;
import dev.upcycle.text.TextModel;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// CuMo's three stages on a drawn data set.
@CommandLine.Command(
    name = "cumo",
    header = "Train a tiny CuMo on drawn pictures in its three stages, against dense.",
    description =
        "Draws pictures with captions, questions and answers, trains a tiny CLIP, connector and"
            + " Mistral on them, makes experts of the tower and the connector for the last stage,"
            + " and goes on without experts for as many steps beside it. Answers are counted on"
            + " combinations of colour, shape and place that no stage shows. What wins is what"
            + " the table says.",
    footer = {
      "upcycle quickstart cumo --brief   # without it: minutes",
      "upcycle quickstart cumo --brief --controls --out ./try-cumo",
    })
final class QuickstartCumoCommand extends Command {
  @Option(
      names = "--out",
      paramLabel = "DIR",
      defaultValue = "./upcycle-quickstart-cumo",
      description = "An empty or new directory (default: ${DEFAULT-VALUE}).")
  private Path out = Path.of("upcycle-quickstart-cumo");

  @Option(
      names = "--controls",
      description =
          "Also train experts and routers from scratch, and dense for as many multiplications.")
  private boolean controls;

  @Option(
      names = "--brief",
      description = "A few steps and questions only: shows how it goes, not what it gives.")
  private boolean brief;

  @Mixin private ComputeThreadsOption threads = new ComputeThreadsOption();
  @Mixin private JsonOption json = new JsonOption();

  QuickstartCumoCommand(Surroundings surroundings) {
    super(surroundings);
  }

  @Override
  ExitCode run(Terminal terminal) throws InterruptedException {
    CumoQuickstart.Request request =
        new CumoQuickstart.Request(
            resolve(out),
            TextModel.options("cpu", "f32"),
            threads.count(),
            controls ? CumoQuickstart.Controls.ALL : CumoQuickstart.Controls.NONE,
            brief ? CumoQuickstart.Size.BRIEF : CumoQuickstart.Size.USUAL);
    CumoQuickstart.Result result;
    try (TrainConsole console = new TrainConsole(terminal)) {
      result = CumoQuickstart.run(request, console);
    }
    if (json.wanted()) {
      terminal.result(document(result));
    } else {
      print(result, terminal);
    }
    return ExitCode.OK;
  }

  private static ObjectNode document(CumoQuickstart.Result result) {
    ObjectNode document =
        Documents.of("quickstart-cumo")
            .put("recipe", result.recipe().toString())
            .put("questions", result.upcycled().heldOut().counts().samples())
            .put("cost_per_row", result.costPerRow())
            .put("millis", result.millis());
    put(result.stages(), document.putArray("stages"));
    put(result.controls(), document.putArray("controls"));
    ArrayNode layers = document.putArray("layers");
    for (ModalLoad load : result.loads()) {
      LayersReport.put(
          load.image(),
          layers.addObject().put("part", load.part().key()).put("layer", load.layer()));
    }
    return document;
  }

  private static void put(List<CumoQuickstart.Branch> branches, ArrayNode array) {
    for (CumoQuickstart.Branch branch : branches) {
      array
          .addObject()
          .put("name", branch.name())
          .put("steps", branch.steps())
          .put("first_loss", branch.firstLoss())
          .put("last_loss", branch.lastLoss())
          .put("held_out_loss", branch.heldOut().loss())
          .put("accuracy", branch.heldOut().accuracy())
          .put("model", branch.model().toString());
    }
  }

  private static void print(CumoQuickstart.Result result, Terminal terminal) {
    Table table =
        Table.of("stage", "steps", "first loss", "last loss", "held-out loss", "answers right");
    result.stages().forEach(branch -> row(branch, table));
    result.controls().forEach(branch -> row(branch, table));
    terminal.result(table.toString());
    terminal.result("");
    Table loads = Table.of("part", "layer", "percent per expert", "evenness", "dead");
    for (ModalLoad load : result.loads()) {
      loads.row(
          load.part().key(),
          Integer.toString(load.layer()),
          LayersReport.shares(load.image()),
          number("%.4f", load.image().evenness()),
          LayersReport.dead(load.image()));
    }
    terminal.result(loads.toString());
    terminal.result("");
    terminal.result(verdict(result));
    terminal.note(
        "\nnext:\n  %s train %s --model %s --out %s"
            .formatted(
                Build.command(),
                result.recipe(),
                result.recipe().resolveSibling("dense"),
                result.recipe().resolveSibling("again")));
  }

  private static void row(CumoQuickstart.Branch branch, Table table) {
    table.row(
        branch.name(),
        Integer.toString(branch.steps()),
        number("%.3f", branch.firstLoss()),
        number("%.3f", branch.lastLoss()),
        number("%.3f", branch.heldOut().loss()),
        number("%.1f %%", 100 * branch.heldOut().accuracy()));
  }

  private static String verdict(CumoQuickstart.Result result) {
    double difference =
        result.upcycled().heldOut().accuracy() - result.dense().heldOut().accuracy();
    return "%s: %s points of %s held-out answers against dense for as many steps; a row cost %s as much; %s in all"
        .formatted(
            result.upcycled().name(),
            number("%+.1f", 100 * difference),
            Quantities.count(result.upcycled().heldOut().counts().samples()),
            number("%.2f times", result.costPerRow()),
            Quantities.seconds(result.millis() / 1000.0));
  }
}
