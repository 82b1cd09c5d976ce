package dev.upcycle.cli.command;

import static dev.upcycle.cli.command.LayersReport.number;

import dev.upcycle.cli.terminal.Documents;
import dev.upcycle.cli.terminal.Surroundings;
import dev.upcycle.cli.terminal.Table;
import dev.upcycle.cli.terminal.Terminal;
import dev.upcycle.data.Tokenizer;
import dev.upcycle.evaluate.ExpertLoad;
import dev.upcycle.route.LabelledText;
import dev.upcycle.route.PageFile;
import dev.upcycle.route.RoutingPage;
import dev.upcycle.route.RoutingPreview;
import dev.upcycle.text.TextModel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Shows which experts tokens use.
@CommandLine.Command(
    name = "route",
    header = "Show which experts the tokens of a text use, layer by layer.",
    description = {
      "A text's label is what stands before '=', else its file's name; with two labels or more the"
          + " mutual information of label and expert says how much a layer has specialised.",
    },
    footer = {
      "upcycle route ./try-it/moe --prompt 'The Rays of Light' --html page.html",
      "upcycle route ./try-it/moe --text light=./try-it/dense/held-out.txt \\",
      "  --text about=./try-it/dense/README.md",
    })
final class RouteCommand extends Command {
  @Parameters(paramLabel = "MODEL", description = "The model's directory, tokenizer included.")
  private String model = "";

  @Option(
      names = "--text",
      paramLabel = "[LABEL=]FILE",
      description = "A text in UTF-8; may be given again.")
  private List<String> texts = List.of();

  @Option(names = "--prompt", paramLabel = "TEXT", description = "A text; may be given again.")
  private List<String> prompts = List.of();

  @Option(
      names = "--max-tokens",
      paramLabel = "N",
      defaultValue = "512",
      description = "Most tokens of each text, from its beginning; default: ${DEFAULT-VALUE}.")
  private int maxTokens = 512;

  @Option(
      names = "--html",
      paramLabel = "FILE",
      description = "Write a page that shows every token's experts; refused when it is there.")
  private @Nullable Path html;

  @Option(names = "--overwrite", description = "Replace the file of --html when it is such a page.")
  private boolean overwrite;

  @Mixin private ComputeOptions compute = new ComputeOptions();
  @Mixin private JsonOption json = new JsonOption();

  RouteCommand(Surroundings surroundings) {
    super(surroundings);
  }

  @Override
  ExitCode run(Terminal terminal) throws InterruptedException {
    if (texts.isEmpty() && prompts.isEmpty()) {
      throw new UsageException("give at least one --text or --prompt");
    }
    if (maxTokens < 1) {
      throw new UsageException("--max-tokens must be at least 1, not " + maxTokens);
    }
    Optional<PageFile> page =
        Optional.ofNullable(html).map(file -> PageFile.at(resolve(file), existing()));
    RoutingPreview preview = preview(terminal);
    if (preview.loads().isEmpty()) {
      terminal.note(model + " has no layer with experts: every token uses the same network");
    }
    page.ifPresent(target -> {
      target.write(RoutingPage.of(preview));
      terminal.note("wrote " + target.file());
    });
    if (json.wanted()) {
      terminal.result(document(preview));
    } else {
      terminal.result(table(preview).toString());
    }
    return ExitCode.OK;
  }

  private RoutingPreview preview(Terminal terminal) throws InterruptedException {
    try (TextModel opened = compute.open(Models.locate(model, surroundings()), terminal)) {
      return RoutingPreview.of(model, opened.model(), read(opened, terminal));
    }
  }

  private List<LabelledText> read(TextModel opened, Terminal terminal) {
    List<LabelledText> read = new ArrayList<>();
    for (String text : texts) {
      int equals = text.indexOf('=');
      boolean labelled = equals > 0 && !Files.exists(resolve(Path.of(text)));
      Path file = resolve(Path.of(labelled ? text.substring(equals + 1) : text));
      String label = labelled ? text.substring(0, equals) : String.valueOf(file.getFileName());
      read.add(labelled(label, TextFiles.read(file), opened, terminal));
    }
    for (int i = 0; i < prompts.size(); i++) {
      read.add(labelled("prompt " + (i + 1), prompts.get(i), opened, terminal));
    }
    return read;
  }

  private LabelledText labelled(String label, String text, TextModel opened, Terminal terminal) {
    List<Tokenizer.Token> tokens = opened.tokenizer().tokens(text);
    if (tokens.isEmpty()) {
      throw new UsageException(label + ": the text has no tokens");
    }
    if (tokens.size() > maxTokens) {
      terminal.note(
          "%s: the first %d of %d tokens; --max-tokens takes more"
              .formatted(label, maxTokens, tokens.size()));
    }
    return new LabelledText(label, tokens.subList(0, Math.min(maxTokens, tokens.size())));
  }

  private PageFile.Existing existing() {
    return overwrite ? PageFile.Existing.REPLACE : PageFile.Existing.REFUSE;
  }

  private ObjectNode document(RoutingPreview preview) {
    ObjectNode document = Documents.of("route").put("model", model);
    ArrayNode inputs = document.putArray("texts");
    preview
        .texts()
        .forEach(text ->
            inputs
                .addObject()
                .put("label", text.text().label())
                .put("tokens", text.text().tokens().size()));
    ArrayNode layers = document.putArray("layers");
    LayersReport.add(preview.loads(), layers);
    for (int i = 0; i < preview.loads().size(); i++) {
      ObjectNode layer = (ObjectNode) layers.get(i);
      preview
          .mutualInformation(preview.loads().get(i).layer())
          .ifPresent(told -> layer.put("mutual_information", told));
    }
    return document;
  }

  private static Table table(RoutingPreview preview) {
    Table table = Table.of("layer", "percent per expert", "evenness", "dead", "about the label");
    for (ExpertLoad load : preview.loads()) {
      var told = preview.mutualInformation(load.layer());
      table.row(
          Integer.toString(load.layer()),
          LayersReport.shares(load),
          number("%.4f", load.evenness()),
          LayersReport.dead(load),
          told.isPresent() ? number("%.4f nat", told.getAsDouble()) : "-");
    }
    return table;
  }
}
