package dev.upcycle.cli.command;

import dev.upcycle.cli.terminal.Documents;
import dev.upcycle.cli.terminal.Quantities;
import dev.upcycle.cli.terminal.Table;
import dev.upcycle.data.DataException;
import dev.upcycle.data.DataReport;
import dev.upcycle.data.DataReport.Bucket;
import dev.upcycle.data.MaskedText;
import dev.upcycle.data.RowPlace;
import dev.upcycle.recipe.DataSettings;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Tells what was found in data.
///
/// @param settings of each stage, in order
/// @param stages which stage each of these belongs to
/// @param reports of each stage
record DataCheckReport(
    Map<String, DataSettings> settings,
    Map<String, String> stages,
    Map<String, DataReport> reports) {
  private static final int BAR = 40;

  /// Whether training could do with so many bad rows in a stage and what measures it, the same row
  /// of a file counted once, and has something left to read.
  boolean passed(long skipBad) {
    Map<String, Set<RowPlace>> bad = new HashMap<>();
    reports.forEach((name, report) ->
        bad.computeIfAbsent(stages.getOrDefault(name, name), _ -> new HashSet<>())
            .addAll(report.badPlaces()));
    return bad.values().stream().allMatch(rows -> rows.size() <= skipBad)
        && reports.values().stream().allMatch(report -> report.samples() > 0);
  }

  String text() {
    List<String> parts = new ArrayList<>();
    reports.forEach((name, report) -> parts.add(text(name, report)));
    return String.join("\n\n", parts);
  }

  private String text(String name, DataReport report) {
    DataSettings stage = settings(name);
    Table table =
        Table.pairs()
            .row("stage", name)
            .row("data", stage.path().toString())
            .row("template", lower(stage.template()))
            .row(
                "rows",
                "%s, %s bad"
                    .formatted(Quantities.count(report.rows()), Quantities.count(report.badRows())))
            .row(
                "images",
                "%s, %s sequences without"
                    .formatted(
                        Quantities.count(report.images()),
                        Quantities.count(report.samples() - report.images())));
    StringBuilder text = new StringBuilder();
    if (report.lengths().isEmpty()) {
      text.append(table.row("tokens", "not counted without --model"));
    } else {
      text.append(counted(table, stage, report)).append("\n\n").append(lengths(report));
    }
    for (DataException bad : report.bad()) {
      text.append("\nbad: ").append(bad.getMessage());
    }
    if (report.badRows() > report.bad().size()) {
      text.append("\nbad: and %d more".formatted(report.badRows() - report.bad().size()));
    }
    report.example().ifPresent(example -> text.append("\n\n").append(example(example)));
    return text.toString();
  }

  private static Table counted(Table table, DataSettings stage, DataReport report) {
    return table
        .row(
            "sequences",
            "%s, %s cut to %s tokens"
                .formatted(
                    Quantities.count(report.samples()),
                    Quantities.count(report.cut()),
                    Quantities.count(stage.maxTokens())))
        .row(
            "tokens",
            String.format(
                Locale.ROOT,
                "%,d, %,d learned (%.1f %%)",
                report.tokens(),
                report.learned(),
                100 * report.learnedShare()));
  }

  private DataSettings settings(String name) {
    return Objects.requireNonNull(settings.get(name), name);
  }

  private static Table lengths(DataReport report) {
    long most = report.lengths().stream().mapToLong(Bucket::samples).max().orElse(0);
    Table table = Table.of("tokens", "sequences", "");
    for (Bucket bucket : report.lengths()) {
      int bar = most == 0 ? 0 : Math.toIntExact(Math.ceilDiv(BAR * bucket.samples(), most));
      table.row(
          "%d to %d".formatted(bucket.from(), bucket.to()),
          Quantities.count(bucket.samples()),
          "#".repeat(bar));
    }
    return table;
  }

  /// One line for each stretch, so that what is learned stands by itself.
  private static String example(MaskedText example) {
    Table table = Table.pairs().row("sample %d".formatted(example.row()), "");
    for (MaskedText.Run run : example.runs()) {
      table.row(
          switch (run.kind()) {
            case LEARNED -> "  learned";
            case MASKED -> "  masked";
            case IMAGE -> "  image";
          },
          run.text().replace("\n", "\\n"));
    }
    return table.toString();
  }

  private static String lower(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }

  ObjectNode document(long skipBad) {
    ObjectNode document = Documents.of("data-check").put("passed", passed(skipBad));
    ArrayNode stages = document.putArray("stages");
    reports.forEach((name, report) -> put(stages.addObject().put("name", name), name, report));
    return document;
  }

  private void put(ObjectNode json, String name, DataReport report) {
    DataSettings stage = settings(name);
    json.put("path", stage.path().toString())
        .put("template", lower(stage.template()))
        .put("rows", report.rows())
        .put("bad_rows", report.badRows())
        .put("sequences", report.samples())
        .put("cut", report.cut())
        .put("tokens", report.tokens())
        .put("learned", report.learned())
        .put("images", report.images());
    ArrayNode lengths = json.putArray("lengths");
    for (Bucket bucket : report.lengths()) {
      lengths
          .addObject()
          .put("from", bucket.from())
          .put("to", bucket.to())
          .put("sequences", bucket.samples());
    }
    ArrayNode bad = json.putArray("bad");
    report.bad().forEach(fault -> bad.add(fault.getMessage()));
    ArrayNode example = json.putArray("example");
    report
        .example()
        .ifPresent(shown ->
            shown
                .runs()
                .forEach(run ->
                    example.addObject().put("kind", lower(run.kind())).put("text", run.text())));
  }
}
