package dev.upcycle.cli.command;

import dev.upcycle.cli.terminal.Documents;
import dev.upcycle.cli.terminal.Table;
import dev.upcycle.cli.terminal.Terminal;
import dev.upcycle.quickstart.TrainedQuickstart;
import java.util.List;
import java.util.Locale;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Tells what training the sample did.
record TrainedQuickstartReport(TrainedQuickstart.Result result) {
  ObjectNode document() {
    ObjectNode document =
        Documents.of("quickstart")
            .put("recipe", result.recipe().toString())
            .put("dense", result.before().model().toString())
            .put("target", result.after().model().toString())
            .put("steps", result.steps())
            .put("loss_before", result.before().loss())
            .put("loss_after", result.after().loss())
            .put("text_before", result.before().text())
            .put("text_after", result.after().text())
            .put("millis", result.millis());
    ArrayNode next = document.putArray("next");
    nextCommands().forEach(command -> next.add(ShellWords.join(command)));
    return document;
  }

  void print(Terminal terminal) {
    terminal.result(
        Table.pairs()
            .row("dense", result.before().model().toString())
            .row("trained", result.after().model() + "  after " + result.steps() + " steps")
            .row("loss before", number("%.4f", result.before().loss()))
            .row("loss after", number("%.4f", result.after().loss()))
            .row("time", number("%.1f s", result.millis() / 1000.0))
            .toString());
    terminal.result("\nbefore: " + result.before().text());
    terminal.result("\nafter: " + result.after().text());
    terminal.note("\nnext:");
    nextCommands()
        .forEach(command -> terminal.note("  " + Build.command() + " " + ShellWords.join(command)));
  }

  private static String number(String format, double value) {
    return String.format(Locale.ROOT, format, value);
  }

  private List<List<String>> nextCommands() {
    String target = result.after().model().toString();
    return List.of(
        List.of("generate", target, "--prompt", TrainedQuickstart.PROMPT),
        List.of(
            "train",
            result.recipe().toString(),
            "--model",
            result.before().model().toString(),
            "--out",
            result.recipe().resolveSibling("again").toString()));
  }
}
