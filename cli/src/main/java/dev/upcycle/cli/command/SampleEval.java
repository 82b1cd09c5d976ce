package dev.upcycle.cli.command;

import static dev.upcycle.cli.command.LayersReport.number;

import dev.upcycle.chat.LlavaTemplate;
import dev.upcycle.cli.terminal.ProgressMeter;
import dev.upcycle.cli.terminal.Quantities;
import dev.upcycle.cli.terminal.Table;
import dev.upcycle.cli.terminal.Terminal;
import dev.upcycle.data.DataException;
import dev.upcycle.data.RowFile;
import dev.upcycle.evaluate.Comparison;
import dev.upcycle.evaluate.ExpertLoad;
import dev.upcycle.evaluate.LabelledSample;
import dev.upcycle.evaluate.ModalLoad;
import dev.upcycle.evaluate.SampleComparer;
import dev.upcycle.evaluate.SampleEvaluation;
import dev.upcycle.evaluate.SampleEvaluator;
import dev.upcycle.model.Workspace;
import dev.upcycle.text.ImageReading;
import dev.upcycle.text.SampleReader;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// The part of `eval` that reads conversations about images.
///
/// @param reading the model
/// @param data what it reads
/// @param template how rows are written and masked
/// @param context most tokens that it sees at once
record SampleEval(ImageReading reading, Data data, LlavaTemplate template, int context) {
  /// Rows and their images.
  ///
  /// @param file the rows
  /// @param images the folder that they name their images from
  /// @param skippable how many bad rows are passed over
  record Data(Path file, Path images, long skippable) {}

  /// What came of it.
  ///
  /// @param evaluation of the model
  /// @param skipped rows that were passed over
  /// @param against what else it was compared with; null where with nothing
  record Outcome(SampleEvaluation evaluation, long skipped, @Nullable Against against) {}

  /// Another model beside it.
  ///
  /// @param model what the user calls it
  record Against(String model, Comparison<SampleEvaluation> comparison) {}

  Outcome run(Terminal terminal) throws InterruptedException {
    SampleReader reader = reader(reading);
    SampleEvaluator evaluator = new SampleEvaluator(reading.llava(), context);
    long skipped = walk((file, row) -> evaluator.add(reader.read(file, row)), terminal);
    SampleEvaluation evaluation = evaluator.evaluation();
    requireScored(evaluation);
    return new Outcome(evaluation, skipped, null);
  }

  /// Compares with another model, row by row.
  ///
  /// @param model what the user calls the other
  Outcome against(ImageReading other, String model, Terminal terminal) throws InterruptedException {
    ComparisonReport.requireOneVocabulary(reading.opened(), other.opened(), model);
    SampleReader ours = reader(reading);
    SampleReader theirs = reader(other);
    SampleComparer comparer = new SampleComparer(reading.llava(), other.llava(), context);
    long skipped =
        walk(
            (file, row) -> {
              LabelledSample our = ours.read(file, row);
              LabelledSample their = theirs.read(file, row);
              comparer
                  .difference(our, their)
                  .ifPresent(reason -> {
                    throw new UsageException(
                        "--against %s: it reads %s, row %d otherwise: %s"
                            .formatted(model, data.file(), row, reason));
                  });
              comparer.add(our, their);
            },
            terminal);
    Comparison<SampleEvaluation> comparison = comparer.comparison();
    requireScored(comparison.first());
    return new Outcome(comparison.first(), skipped, new Against(model, comparison));
  }

  private SampleReader reader(ImageReading model) {
    return new SampleReader(model, template, data.images());
  }

  @FunctionalInterface
  private interface Step {
    void take(RowFile file, long row);
  }

  /// @return how many rows were passed over
  private long walk(Step step, Terminal terminal) throws InterruptedException {
    long skipped = 0;
    try (RowFile file = RowFile.open(data.file());
        ProgressMeter meter = terminal.meter("evaluating")) {
      for (long row = 0; row < file.rows(); row++) {
        if (Thread.interrupted()) {
          throw new InterruptedException();
        }
        try (Workspace _ = Workspace.open()) {
          step.take(file, row);
        } catch (DataException e) {
          if (e.row().isEmpty() || skipped >= data.skippable()) {
            throw e;
          }
          skipped++;
          terminal.warning("passed over: " + e.getMessage());
        }
        meter.counted(row + 1, file.rows(), "rows");
      }
    }
    return skipped;
  }

  private void requireScored(SampleEvaluation evaluation) {
    if (evaluation.counts().scored() == 0) {
      throw DataException.ofFile(
          data.file(),
          "no token is learned in any row: template '%s' masks them all, or --context %d cuts the"
                  .formatted(template.key(), context)
              + " answers off");
    }
  }

  static void print(Outcome outcome, Terminal terminal) {
    SampleEvaluation evaluation = outcome.evaluation();
    SampleEvaluation.Counts counts = evaluation.counts();
    Table table =
        Table.pairs()
            .row("perplexity", number("%.4f", evaluation.perplexity()))
            .row("loss", number("%.4f nat per token", evaluation.loss()))
            .row(
                "rows",
                "%s, %s with nothing to learn, %s passed over"
                    .formatted(
                        Quantities.count(counts.samples()),
                        Quantities.count(counts.unlabelled()),
                        Quantities.count(outcome.skipped())))
            .row("images", Quantities.count(counts.images()))
            .row(
                "tokens",
                "%s, %s of images, %s scored"
                    .formatted(
                        Quantities.count(counts.tokens()),
                        Quantities.count(counts.imageTokens()),
                        Quantities.count(counts.scored())))
            .row("tokens/s", number("%.0f", evaluation.tokensPerSecond()));
    Against against = outcome.against();
    if (against != null) {
      Comparison<SampleEvaluation> comparison = against.comparison();
      ComparisonReport.rows(comparison, against.model(), comparison.second().perplexity(), table);
    }
    terminal.result(table.toString());
    if (!evaluation.layers().isEmpty()) {
      terminal.result("\n" + loads(evaluation));
    }
  }

  private static Table loads(SampleEvaluation evaluation) {
    Table table = Table.of("part", "layer", "tokens of", "percent per expert", "evenness", "dead");
    for (ModalLoad layer : evaluation.layers()) {
      row("images", layer.image(), layer, table);
      row("text", layer.text(), layer, table);
    }
    return table;
  }

  private static void row(String tokens, ExpertLoad load, ModalLoad layer, Table table) {
    if (load.assignments() > 0) {
      table.row(
          layer.part().key(),
          Integer.toString(layer.layer()),
          tokens,
          LayersReport.shares(load),
          number("%.4f", load.evenness()),
          LayersReport.dead(load));
    }
  }

  void put(Outcome outcome, ObjectNode document) {
    document.put("data", data.file().toString()).put("template", template.key());
    put(outcome.evaluation(), document);
    document.put("skipped_rows", outcome.skipped());
    Against against = outcome.against();
    if (against != null) {
      ObjectNode node = document.putObject("against").put("model", against.model());
      put(against.comparison().second(), node);
      ComparisonReport.put(against.comparison(), node);
    }
  }

  private static void put(SampleEvaluation evaluation, ObjectNode document) {
    SampleEvaluation.Counts counts = evaluation.counts();
    document
        .put("perplexity", evaluation.perplexity())
        .put("negative_log_likelihood", evaluation.negativeLogLikelihood())
        .put("loss", evaluation.loss())
        .put("rows", counts.samples())
        .put("unlabelled_rows", counts.unlabelled())
        .put("images", counts.images())
        .put("tokens", counts.tokens())
        .put("image_tokens", counts.imageTokens())
        .put("scored", counts.scored())
        .put("tokens_per_second", evaluation.tokensPerSecond());
    ArrayNode layers = document.putArray("layers");
    for (ModalLoad layer : evaluation.layers()) {
      ObjectNode node =
          layers.addObject().put("part", layer.part().key()).put("layer", layer.layer());
      LayersReport.put(layer.image(), node.putObject("image"));
      if (layer.text().assignments() > 0) {
        LayersReport.put(layer.text(), node.putObject("text"));
      }
    }
  }
}
