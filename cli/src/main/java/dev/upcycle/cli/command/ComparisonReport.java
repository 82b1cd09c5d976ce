package dev.upcycle.cli.command;

import static dev.upcycle.cli.command.LayersReport.number;

import dev.upcycle.cli.terminal.Table;
import dev.upcycle.evaluate.Comparison;
import dev.upcycle.text.TextModel;
import tools.jackson.databind.node.ObjectNode;

/// How the predictions of two models differ, as rows of a table and in JSON.
final class ComparisonReport {
  private ComparisonReport() {}

  /// Refuses models whose tokens are not the same ones.
  ///
  /// @param other what the user calls the second
  static void requireOneVocabulary(TextModel first, TextModel second, String other) {
    long ours = first.vocab();
    long theirs = second.vocab();
    if (ours != theirs) {
      throw new UsageException(
          "--against %s: its vocabulary has %d tokens, the model's %d; only models of one"
                  .formatted(other, theirs, ours)
              + " vocabulary can be compared token by token");
    }
  }

  /// @param perplexity of the other model
  static void rows(Comparison<?> comparison, String other, double perplexity, Table table) {
    table.row("against", other);
    table.row("its perplexity", number("%.4f", perplexity));
    table.row(
        "its loss minus ours",
        number("%+.3g", comparison.loss().mean())
            + number(" ± %.2g nat per token (standard error)", comparison.loss().standardError()));
    table.row("KL(ours, its)", number("%.3g nat per token", comparison.divergence()));
    table.row("same likeliest token", number("%.2f %%", 100 * comparison.agreement()));
  }

  /// Adds the differences to what tells of the other model.
  static void put(Comparison<?> comparison, ObjectNode against) {
    against
        .put("loss_difference", comparison.loss().mean())
        .put("standard_error", comparison.loss().standardError())
        .put("kl", comparison.divergence())
        .put("top1_agreement", comparison.agreement());
  }
}
