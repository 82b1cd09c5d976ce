package dev.upcycle.cli.command;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.cli.terminal.Quantities;
import dev.upcycle.cli.terminal.Surroundings;
import dev.upcycle.cli.terminal.Table;
import dev.upcycle.cli.terminal.Terminal;
import dev.upcycle.dialect.Sources;
import dev.upcycle.inspect.Inspection;
import dev.upcycle.inspect.Inspection.Possible;
import dev.upcycle.inspect.Inspector;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/// Says what a model is and can become.
@CommandLine.Command(
    name = "inspect",
    header = "Show what a model is and what it can become, from its headers only.",
    footer = {
      "upcycle inspect ./Mistral-7B-v0.1",
      "upcycle inspect ./Mistral-7B-v0.1 --json",
    })
final class InspectCommand extends Command {
  @Parameters(
      paramLabel = "PATH",
      description =
          "The model's directory, one weights file of it, or ORG/NAME in the local Hugging Face cache.")
  private String model = "";

  @Mixin private JsonOption json = new JsonOption();

  InspectCommand(Surroundings surroundings) {
    super(surroundings);
  }

  @Override
  ExitCode run(Terminal terminal) {
    Inspection inspection = Inspector.inspect(open(Models.locate(model, surroundings())));
    if (json.wanted()) {
      terminal.result(inspection.toJson());
    } else {
      terminal.result(
          summary(inspection) + "\n\n" + files(inspection) + "\n\n" + verdicts(inspection));
      inspection.notes().forEach(terminal::note);
    }
    return ExitCode.OK;
  }

  private static Checkpoint open(Path path) {
    return Files.isRegularFile(path)
        ? Sources.translated(Checkpoint.openFile(path))
        : Sources.open(path);
  }

  private static Table summary(Inspection inspection) {
    Table table =
        Table.pairs()
            .row(
                "family",
                inspection.family() + inspection.className().map(n -> ", " + n).orElse(""))
            .row("parameters", parameters(inspection))
            .row("size", Quantities.bytes(inspection.bytes()) + ", " + dtypes(inspection));
    inspection.sizes().ifPresent(sizes -> table.row("sizes", sizes(sizes)));
    inspection
        .tied()
        .ifPresent(tied -> table.row("head", tied ? "tied to the embedding" : "untied"));
    for (Inspection.FeedForward network : inspection.feedForward()) {
      table.row("layers " + network.firstLayer() + "-" + network.lastLayer(), network.shapes());
    }
    inspection
        .experts()
        .ifPresent(experts ->
            table.row(
                "experts",
                experts.count() + ", " + experts.perToken() + " per token, " + experts.layout()));
    return table;
  }

  private static String parameters(Inspection inspection) {
    long total = inspection.parameters().total();
    long active = inspection.parameters().active();
    String text = Quantities.parameters(total) + " (" + Quantities.count(total) + ")";
    return active == total ? text : text + ", " + Quantities.parameters(active) + " used per token";
  }

  private static String dtypes(Inspection inspection) {
    return inspection.dtypes().entrySet().stream()
        .map(entry -> entry.getKey() + " in " + entry.getValue().tensors() + " tensors")
        .collect(Collectors.joining(", "));
  }

  private static String sizes(Inspection.Sizes sizes) {
    return sizes.layers()
        + " layers, hidden "
        + sizes.hidden()
        + ", intermediate "
        + sizes.intermediate()
        + ", "
        + sizes.heads()
        + " heads ("
        + sizes.kvHeads()
        + " for keys and values) of "
        + sizes.headDim();
  }

  private static Table files(Inspection inspection) {
    Table table = Table.of("file", "tensors", "bytes");
    for (Inspection.WeightsFile file : inspection.files()) {
      table.row(file.name(), Quantities.count(file.tensors()), Quantities.count(file.bytes()));
    }
    return table;
  }

  private static Table verdicts(Inspection inspection) {
    Table table = Table.of("can become", "", "reason");
    for (Inspection.Verdict verdict : inspection.verdicts()) {
      table.row(
          verdict.target(), verdict.possible() == Possible.YES ? "yes" : "no", verdict.reason());
    }
    return table;
  }
}
