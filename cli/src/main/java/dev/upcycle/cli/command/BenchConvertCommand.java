package dev.upcycle.cli.command;

import dev.upcycle.bench.BenchModel;
import dev.upcycle.bench.ConvertBench;
import dev.upcycle.bench.ConvertBench.Pair;
import dev.upcycle.bench.ConvertBench.Result;
import dev.upcycle.bench.Machine;
import dev.upcycle.cli.terminal.Documents;
import dev.upcycle.cli.terminal.ProgressMeter;
import dev.upcycle.cli.terminal.Quantities;
import dev.upcycle.cli.terminal.Surroundings;
import dev.upcycle.cli.terminal.Table;
import dev.upcycle.cli.terminal.Terminal;
import dev.upcycle.recipe.ByteSize;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Measures conversion against the operating system's copy.
@CommandLine.Command(
    name = "convert",
    header = "Time conversion against cp of as many bytes, both synced, in interleaved pairs.",
    description = {
      "Makes a dense model with random weights, converts it to experts and copies the result, so"
          + " many times; --dir needs room for twice the size and the source, and is cleared up"
          + " afterwards. A ratio above 1 means that converting was faster than copying.",
    },
    footer = {
      "upcycle bench convert --size 50MB --pairs 1   # figures: 2GB",
      "upcycle bench convert --size 20MB --pairs 3 --dir . -j 1 --json",
    })
final class BenchConvertCommand extends Command {
  private static final String USUAL_SIZE = "2GB";

  @Option(
      names = "--size",
      paramLabel = "SIZE",
      description = "Bytes of the result, rounded up to a layer (default: 2GB).")
  private @Nullable String size;

  @Option(
      names = "--tower",
      description =
          "Convert a CLIP image tower, ViT-L/14 at 336 pixels, to 4 experts: 1.8 GB. Without it, a"
              + " Mistral to 8 experts.")
  private boolean tower;

  @Option(
      names = "--pairs",
      paramLabel = "N",
      description = "How many times each side runs (default: ${DEFAULT-VALUE}).",
      defaultValue = "3")
  private int pairs = 3;

  @Option(
      names = "--dir",
      paramLabel = "DIR",
      description = "Where to work: on the disk in question (default: here).",
      defaultValue = ".")
  private Path directory = Path.of(".");

  @Mixin private ThreadsOption threads = new ThreadsOption();
  @Mixin private JsonOption json = new JsonOption();

  BenchConvertCommand(Surroundings surroundings) {
    super(surroundings);
  }

  @Override
  ExitCode run(Terminal terminal) {
    ConvertBench.Settings settings =
        new ConvertBench.Settings(resolve(directory), model(), pairs(), threads.count());
    Result result;
    try (ProgressMeter meter = terminal.meter("measuring")) {
      result = ConvertBench.run(settings, meter);
    }
    if (json.wanted()) {
      terminal.result(document(settings, result));
    } else {
      terminal.result(pairs(result) + "\n\n" + summary(settings, result));
    }
    return ExitCode.OK;
  }

  private BenchModel model() {
    if (tower && size != null) {
      throw new UsageException(
          "--size and --tower: a tower has the size of ViT-L/14, leave one out");
    }
    String wanted = size == null ? USUAL_SIZE : size;
    return tower
        ? BenchModel.Tower.large()
        : BenchModel.Decoder.forOutputOf(
            ByteSize.parse(wanted)
                .filter(bytes -> bytes > 0)
                .orElseThrow(() ->
                    new UsageException(
                        "--size " + wanted + ": expected a size such as 2GB or 500MB")));
  }

  private int pairs() {
    if (pairs < 1) {
      throw new UsageException("--pairs " + pairs + ": expected at least 1");
    }
    return pairs;
  }

  private static Table pairs(Result result) {
    Table table = Table.of("pair", "convert s", "cp s", "ratio");
    List<Pair> pairs = result.pairs();
    for (int i = 0; i < pairs.size(); i++) {
      Pair pair = pairs.get(i);
      table.row(
          Integer.toString(i + 1),
          decimal(pair.convertSeconds()),
          decimal(pair.copySeconds()),
          decimal(pair.ratio()));
    }
    return table;
  }

  private static Table summary(ConvertBench.Settings settings, Result result) {
    Machine machine = Machine.here();
    BenchModel model = settings.model();
    Table table =
        Table.pairs()
            .row("median ratio", decimal(result.medianRatio()) + " times the speed of cp")
            .row(
                "bytes",
                Quantities.count(result.sourceBytes())
                    + " in, "
                    + Quantities.count(result.outputBytes())
                    + " out");
    result
        .peakResidentBytes()
        .ifPresent(peak -> table.row("peak memory", Quantities.bytes(peak) + " resident"));
    return table
        .row(
            "configuration",
            model.recipe()
                + ", "
                + model.layers()
                + (model.layers() == 1 ? " layer, hidden " : " layers, hidden ")
                + model.hidden()
                + ", intermediate "
                + model.intermediate()
                + ", bf16, threads "
                + settings.threads())
        .row(
            "machine",
            machine.processor()
                + ", "
                + machine.processors()
                + " processors, "
                + Quantities.bytes(machine.memoryBytes()))
        .row("system", machine.system() + ", Java " + machine.java())
        .row("upcycle", Build.current().version() + ", commit " + Build.current().commit());
  }

  private static String decimal(double value) {
    return String.format(Locale.ROOT, "%.3f", value);
  }

  private static ObjectNode document(ConvertBench.Settings settings, Result result) {
    ObjectNode document =
        Documents.of("bench")
            .put("bench", "convert")
            .put("version", Build.current().version())
            .put("commit", Build.current().commit());
    ArrayNode pairs = document.putArray("pairs");
    for (Pair pair : result.pairs()) {
      pairs
          .addObject()
          .put("convert_seconds", pair.convertSeconds())
          .put("copy_seconds", pair.copySeconds())
          .put("ratio", pair.ratio());
    }
    document
        .put("median_ratio", result.medianRatio())
        .put("source_bytes", result.sourceBytes())
        .put("output_bytes", result.outputBytes());
    result
        .peakResidentBytes()
        .ifPresentOrElse(
            peak -> document.put("peak_resident_bytes", peak),
            () -> document.putNull("peak_resident_bytes"));
    configuration(document.putObject("configuration"), settings);
    Machine machine = Machine.here();
    document
        .putObject("machine")
        .put("processor", machine.processor())
        .put("processors", machine.processors())
        .put("memory_bytes", machine.memoryBytes())
        .put("system", machine.system())
        .put("java", machine.java());
    return document;
  }

  private static void configuration(ObjectNode json, ConvertBench.Settings settings) {
    BenchModel model = settings.model();
    json.put("recipe", model.recipe())
        .put("dtype", "bf16")
        .put("layers", model.layers())
        .put("hidden", model.hidden())
        .put("intermediate", model.intermediate());
    switch (model) {
      case BenchModel.Decoder decoder -> json.put("vocab", decoder.vocab());
      case BenchModel.Tower _ -> json.putNull("vocab");
    }
    json.put("threads", settings.threads());
  }
}
