package dev.upcycle.cli.command;

import dev.upcycle.bench.DecoderShape;
import dev.upcycle.bench.ImageRates;
import dev.upcycle.bench.TrainBench;
import dev.upcycle.bench.TrainTurn;
import dev.upcycle.cli.terminal.Table;
import java.util.List;
import java.util.Locale;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// What is told of a measured training loop.
///
/// @param shared what every measurement reports
/// @param setting what was measured
record TrainBenchReport(BenchReport shared, TrainBench.Setting setting) {
  String text(TrainBench.Result result) {
    Table turns =
        Table.of("turn", "loop s", "loop cpu s", "bare s", "bare cpu s", "ratio", "stall");
    List<TrainTurn> all = result.turns();
    for (int i = 0; i < all.size(); i++) {
      TrainTurn turn = all.get(i);
      turns.row(
          Integer.toString(i + 1),
          BenchReport.decimal(turn.loop().time().wallSeconds()),
          BenchReport.decimal(turn.loop().time().cpuSeconds()),
          BenchReport.decimal(turn.bare().time().wallSeconds()),
          BenchReport.decimal(turn.bare().time().cpuSeconds()),
          BenchReport.decimal(turn.ratio()),
          BenchReport.decimal(turn.stall()));
    }
    ImageRates images = result.images();
    Table summary =
        Table.pairs()
            .row("loop", BenchReport.rate(result.tokensPerSecond()))
            .row("bare step", BenchReport.rate(result.bareTokensPerSecond()))
            .row(
                "ratio",
                "%s of the bare step's speed, %s by processor time; medians of the turns"
                    .formatted(
                        BenchReport.decimal(result.ratio()),
                        BenchReport.decimal(result.cpuRatio())))
            .row(
                "stall",
                "%s of a step after a checkpoint, %s after the first"
                    .formatted(
                        BenchReport.decimal(result.stall()),
                        BenchReport.decimal(result.firstStall())))
            .row(
                "images",
                String.format(
                    Locale.ROOT,
                    "%.0f/s prepared, %.0f/s learned from by a tiny model, ratio %.3f",
                    images.prepared(),
                    images.consumed(),
                    images.ratio()));
    return turns + "\n\n" + shared.ending(summary, words());
  }

  private String words() {
    DecoderShape shape = setting.shape();
    return "%d x %d tokens, %d layers, %s, vocabulary %d, a checkpoint every %d steps"
        .formatted(
            setting.batch(),
            setting.seq(),
            shape.layers(),
            TurnsReport.words(shape.experts()),
            shape.vocab(),
            setting.every());
  }

  ObjectNode document(TrainBench.Result result) {
    ObjectNode document =
        shared
            .document()
            .put("tokens_per_second", result.tokensPerSecond())
            .put("bare_tokens_per_second", result.bareTokensPerSecond())
            .put("ratio", result.ratio())
            .put("cpu_ratio", result.cpuRatio())
            .put("stall", result.stall())
            .put("first_stall", result.firstStall());
    ArrayNode turns = document.putArray("turns");
    for (TrainTurn turn : result.turns()) {
      turns
          .addObject()
          .put("seconds", turn.loop().time().wallSeconds())
          .put("cpu_seconds", turn.loop().time().cpuSeconds())
          .put("bare_seconds", turn.bare().time().wallSeconds())
          .put("bare_cpu_seconds", turn.bare().time().cpuSeconds())
          .put("ratio", turn.ratio())
          .put("cpu_ratio", turn.cpuRatio())
          .put("stall", turn.stall());
    }
    document
        .putObject("images")
        .put("prepared_per_second", result.images().prepared())
        .put("consumed_per_second", result.images().consumed())
        .put("ratio", result.images().ratio());
    DecoderShape shape = setting.shape();
    shared
        .ending(document, shape.experts())
        .put("batch", setting.batch())
        .put("seq", setting.seq())
        .put("layers", shape.layers())
        .put("heads", shape.heads())
        .put("kv_heads", shape.kvHeads())
        .put("vocab", shape.vocab())
        .put("every", setting.every());
    return document;
  }
}
