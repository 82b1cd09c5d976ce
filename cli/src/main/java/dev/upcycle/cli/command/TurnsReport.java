package dev.upcycle.cli.command;

import dev.upcycle.bench.DecoderBench;
import dev.upcycle.bench.DecoderShape;
import dev.upcycle.bench.DecoderShape.ExpertShape;
import dev.upcycle.cli.terminal.ProgressMeter;
import dev.upcycle.cli.terminal.Table;
import dev.upcycle.cli.terminal.Terminal;
import dev.upcycle.kernels.bench.Turns;
import java.util.LinkedHashMap;
import java.util.SequencedMap;
import java.util.function.Function;
import java.util.function.IntConsumer;
import tools.jackson.databind.node.ObjectNode;

/// Runs and reports a measurement of whole models in turns.
///
/// @param shared what every measurement reports
/// @param experts sizes of the layers of experts
/// @param sizes of everything else, by the names that documents give them
/// @param words the sizes in words
record TurnsReport(
    BenchReport shared, ExpertShape experts, SequencedMap<String, Long> sizes, String words) {

  static TurnsReport of(BenchReport shared, DecoderBench.Setting setting) {
    DecoderShape shape = setting.shape();
    SequencedMap<String, Long> sizes = new LinkedHashMap<>();
    sizes.put("batch", (long) setting.batch());
    sizes.put("seq", (long) setting.seq());
    sizes.put("layers", (long) shape.layers());
    sizes.put("heads", (long) shape.heads());
    sizes.put("kv_heads", (long) shape.kvHeads());
    sizes.put("vocab", shape.vocab());
    String words =
        "%d x %d tokens, %d layers, %s, vocabulary %d"
            .formatted(
                setting.batch(),
                setting.seq(),
                shape.layers(),
                words(shape.experts()),
                shape.vocab());
    return new TurnsReport(shared, shape.experts(), sizes, words);
  }

  static String words(ExpertShape shape) {
    return "hidden %d, intermediate %d, %d experts of which %d"
        .formatted(shape.hidden(), shape.intermediate(), shape.count(), shape.perToken());
  }

  /// Measures, with progress, and prints.
  ///
  /// @param measurement tells each turn to what it is given
  void tell(Function<IntConsumer, Turns> measurement, JsonOption json, Terminal terminal) {
    int turns = Turns.count(shared.settings().turns());
    Turns result;
    try (ProgressMeter meter = terminal.meter("measuring")) {
      result = measurement.apply(done -> meter.counted(done, turns, "turns"));
    }
    if (json.wanted()) {
      terminal.result(document(result));
    } else {
      terminal.result(text(result));
    }
  }

  private String text(Turns result) {
    Table turns = BenchReport.turns();
    BenchReport.rows(turns, "turn", result);
    Table summary = Table.pairs();
    BenchReport.summary(summary, result);
    return turns + "\n\n" + shared.ending(summary, words);
  }

  private ObjectNode document(Turns result) {
    ObjectNode document = shared.document();
    BenchReport.put(document, result);
    ObjectNode configuration = shared.ending(document, experts);
    sizes.forEach(configuration::put);
    return document;
  }
}
