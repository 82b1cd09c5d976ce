package dev.upcycle.cli.command;

import dev.upcycle.bench.DecoderBench;
import dev.upcycle.bench.DecoderBench.Result;
import dev.upcycle.bench.DecoderShape;
import dev.upcycle.bench.Turn;
import dev.upcycle.cli.terminal.ProgressMeter;
import dev.upcycle.cli.terminal.Table;
import dev.upcycle.cli.terminal.Terminal;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Runs and reports a measurement of whole models.
record DecoderBenchReport(BenchReport shared, DecoderBench.Setting setting) {
  Result measure(Terminal terminal) {
    int turns = DecoderBench.turns(shared.settings());
    try (ProgressMeter meter = terminal.meter("measuring")) {
      return DecoderBench.run(
          setting, shared.settings(), done -> meter.counted(done, turns, "turns"));
    }
  }

  String text(Result result) {
    Table turns = BenchReport.turns();
    for (int i = 0; i < result.turns().size(); i++) {
      BenchReport.row(turns, "turn " + (i + 1), result.turns().get(i));
    }
    DecoderShape shape = setting.shape();
    Table summary =
        Table.pairs()
            .row("experts", BenchReport.rate(result.tokensPerSecond()))
            .row("dense", BenchReport.rate(result.denseTokensPerSecond()))
            .row(
                "time ratio",
                "%s of the dense model's, %s of its processor time; medians"
                    .formatted(
                        BenchReport.decimal(result.ratio()),
                        BenchReport.decimal(result.cpuRatio())));
    String configuration =
        "%d x %d tokens, %d layers, hidden %d, intermediate %d, %d experts of which %d, vocabulary %d"
            .formatted(
                setting.batch(),
                setting.seq(),
                shape.layers(),
                shape.experts().hidden(),
                shape.experts().intermediate(),
                shape.experts().count(),
                shape.experts().perToken(),
                shape.vocab());
    return turns + "\n\n" + shared.ending(summary, configuration);
  }

  ObjectNode document(Result result) {
    ObjectNode document =
        shared
            .document()
            .put("tokens_per_second", result.tokensPerSecond())
            .put("dense_tokens_per_second", result.denseTokensPerSecond())
            .put("ratio", result.ratio())
            .put("cpu_ratio", result.cpuRatio());
    ArrayNode turns = document.putArray("turns");
    for (Turn turn : result.turns()) {
      BenchReport.put(turns.addObject(), turn);
    }
    DecoderShape shape = setting.shape();
    shared
        .ending(document, shape.experts())
        .put("batch", setting.batch())
        .put("seq", setting.seq())
        .put("layers", shape.layers())
        .put("heads", shape.heads())
        .put("kv_heads", shape.kvHeads())
        .put("vocab", shape.vocab());
    return document;
  }

  void tell(Result result, JsonOption json, Terminal terminal) {
    if (json.wanted()) {
      terminal.result(document(result));
    } else {
      terminal.result(text(result));
    }
  }
}
