package dev.upcycle.cli.command;

import static dev.upcycle.cli.command.LayersReport.number;

import dev.upcycle.arch.Architecture;
import dev.upcycle.calibrate.Calibrator;
import dev.upcycle.calibrate.ExpertPrompts;
import dev.upcycle.calibrate.LayerReport;
import dev.upcycle.calibrate.LayerRouter;
import dev.upcycle.calibrate.Passage;
import dev.upcycle.calibrate.PassageReader;
import dev.upcycle.calibrate.RouterKind;
import dev.upcycle.calibrate.RouterRows;
import dev.upcycle.calibrate.RouterWriter;
import dev.upcycle.calibrate.RowScale;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.cli.terminal.Documents;
import dev.upcycle.cli.terminal.ProgressMeter;
import dev.upcycle.cli.terminal.Quantities;
import dev.upcycle.cli.terminal.Surroundings;
import dev.upcycle.cli.terminal.Table;
import dev.upcycle.cli.terminal.Terminal;
import dev.upcycle.data.Tokenizer;
import dev.upcycle.model.LayerWalk;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Makes routers from data.
@CommandLine.Command(
    name = "calibrate",
    header = "Make routers from what a dense model's layers see in texts.",
    description = {
      "hidden: an expert's row is the mean state of its texts, so that it takes more of their kind;"
          + " one --text for each expert in order, or --prompts. mergekit: the same as mergekit-moe"
          + " defines it. centroid: rows are centres of clusters of all texts' tokens, so that experts"
          + " begin with parts of the data. A recipe takes the file by language.router.init={kind:"
          + " file, path: FILE}.",
    },
    footer = {
      "upcycle calibrate ./try-it/dense --kind centroid --experts 8 \\",
      "  --text ./try-it/dense/held-out.txt --out router.safetensors",
      "upcycle calibrate ./try-it/dense --text ./try-it/dense/held-out.txt \\",
      "  ./try-it/dense/README.md --out two-experts.safetensors --logit-std 1",
    })
final class CalibrateCommand extends Command {
  @Parameters(paramLabel = "MODEL", description = "The dense model's directory, with tokenizer.")
  private String model = "";

  @Mixin private CalibrationTexts texts = new CalibrationTexts();
  @Mixin private CalibrationRows rows = new CalibrationRows();

  @Option(
      names = {"-o", "--out"},
      required = true,
      paramLabel = "FILE",
      description = "The safetensors file to make; refused when it is there.")
  private Path out = Path.of("");

  @Option(
      names = "--overwrite",
      description = "Replace the file when it holds nothing but routers.")
  private boolean overwrite;

  @Mixin private ComputeOptions compute = new ComputeOptions();
  @Mixin private JsonOption json = new JsonOption();

  CalibrateCommand(Surroundings surroundings) {
    super(surroundings);
  }

  @Override
  ExitCode run(Terminal terminal) throws InterruptedException {
    Checkpoint dense = Checkpoint.open(Models.locate(model, surroundings()));
    Architecture target = rows.target(dense.config(), surroundings());
    RowScale scale = rows.scale();
    List<ExpertPrompts> experts = texts.read(surroundings());
    RouterKind kind = rows.kind(experts, surroundings());
    RouterWriter writer = RouterWriter.to(resolve(out), target, existing());
    List<Passage> all = passages(dense, experts);
    List<Passage> looked = Passage.sample(all, texts.maxTokens(), rows.seed());
    if (looked.size() < all.size()) {
      terminal.note(
          "looking at %s of %s tokens, a sample; --max-tokens takes more"
              .formatted(Quantities.count(tokens(looked)), Quantities.count(tokens(all))));
    }
    List<LayerRouter> routers;
    try (ProgressMeter meter = terminal.meter("calibrating")) {
      routers =
          new Calibrator(walk(dense, terminal), target, looked, kind)
              .routers(scale, (done, total) -> meter.counted(done, total, "layers"));
    }
    writer.write(routers);
    tell(routers, looked, terminal);
    return ExitCode.OK;
  }

  private RouterWriter.Existing existing() {
    return overwrite ? RouterWriter.Existing.REPLACE : RouterWriter.Existing.REFUSE;
  }

  private List<Passage> passages(Checkpoint dense, List<ExpertPrompts> experts) {
    int context = texts.context(dense.config().findLong("max_position_embeddings"));
    long vocab = dense.config().requireLong("vocab_size");
    try (Tokenizer tokenizer = Tokenizer.require(dense.directory())) {
      return new PassageReader(tokenizer, vocab, context).read(experts);
    }
  }

  private LayerWalk walk(Checkpoint dense, Terminal terminal) {
    return LayerWalk.open(dense, compute.begin(terminal));
  }

  private static long tokens(List<Passage> passages) {
    return passages.stream().mapToLong(passage -> passage.ids().size()).sum();
  }

  private void tell(List<LayerRouter> routers, List<Passage> looked, Terminal terminal) {
    List<LayerReport> layers = routers.stream().map(LayerRouter::report).toList();
    RouterRows first = routers.getFirst().rows();
    if (json.wanted()) {
      ObjectNode document =
          Documents.of("calibrate")
              .put("model", model)
              .put("out", resolve(out).toString())
              .put("kind", rows.kind())
              .put("experts", first.experts())
              .put("hidden", first.hidden())
              .put("tokens", tokens(looked))
              .put("passages", looked.size());
      layers.forEach(layer -> put(layer, document.withArray("layers").addObject()));
      terminal.result(document);
      return;
    }
    terminal.result(table(layers).toString());
    terminal.result(
        "\n%s: routers of %d layers, %d experts of %d each, from %s tokens"
            .formatted(
                resolve(out),
                layers.size(),
                first.experts(),
                first.hidden(),
                Quantities.count(tokens(looked))));
    terminal.note(
        "use it: "
            + Build.command()
            + " convert … --set "
            + ShellWords.join(
                List.of("language.router.init={kind: file, path: " + resolve(out) + "}")));
  }

  private static void put(LayerReport report, ObjectNode layer) {
    layer
        .put("layer", report.layer())
        .put("row_norm", report.rowNorm())
        .put("logit_std", report.logitStd());
    ArrayNode load = layer.putArray("load");
    report.load().counts().forEach(load::add);
    layer.put("evenness", report.load().evenness());
    report.own().ifPresent(own -> layer.put("own", own));
    report.inertia().ifPresent(inertia -> layer.put("inertia", inertia));
    report.inertia().ifPresent(_ -> layer.put("iterations", report.iterations()));
  }

  private static Table table(List<LayerReport> layers) {
    boolean clustered = layers.getFirst().inertia().isPresent();
    Table table =
        Table.of(
            "layer", "percent per expert", clustered ? "inertia" : "own", "logit std", "row norm");
    for (LayerReport layer : layers) {
      table.row(
          Integer.toString(layer.layer()),
          LayersReport.shares(layer.load()),
          clustered
              ? number("%.4f", layer.inertia().orElseThrow())
              : number("%.1f %%", 100 * layer.own().orElseThrow()),
          number("%.4g", layer.logitStd()),
          number("%.4g", layer.rowNorm()));
    }
    return table;
  }
}
