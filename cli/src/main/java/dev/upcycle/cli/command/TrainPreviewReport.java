package dev.upcycle.cli.command;

import dev.upcycle.cli.terminal.Documents;
import dev.upcycle.cli.terminal.Quantities;
import dev.upcycle.cli.terminal.Table;
import dev.upcycle.train.DiskForecast;
import dev.upcycle.train.MemoryForecast;
import dev.upcycle.train.StageSummary;
import dev.upcycle.train.TrainPreview;
import java.util.Locale;
import java.util.SequencedMap;
import java.util.stream.Collectors;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Tells what a run would do, need and take.
record TrainPreviewReport(TrainPreview preview) {
  String text() {
    StageSummary first = preview.first();
    double seconds = preview.secondsPerStep();
    Table table =
        Table.pairs()
            .row(
                "stage " + first.name(),
                "%s steps, %d of %d tensors train, %s parameters"
                    .formatted(
                        Quantities.count(first.steps()),
                        first.trained(),
                        first.tensors(),
                        Quantities.count(first.trainedParameters())))
            .row(
                "time",
                String.format(
                    Locale.ROOT,
                    "%.3g s a step, %s for the stage",
                    seconds,
                    Quantities.seconds(seconds * first.steps())));
    for (MemoryForecast forecast : preview.stages()) {
      table.row(
          "memory of " + forecast.stage(),
          "%s: %s".formatted(Quantities.bytes(forecast.bytes()), parts(forecast.parts())));
    }
    DiskForecast disk = preview.disk();
    table.row(
        "disk",
        "%s: %s%s".formatted(Quantities.bytes(disk.bytes()), parts(disk.parts()), kept(disk)));
    return table.toString();
  }

  private static String kept(DiskForecast disk) {
    if (disk.kept().isEmpty()) {
      return "; more by keep_every, as many as the data give steps";
    }
    long most = disk.kept().getAsLong();
    return most > 0 ? "; up to " + Quantities.bytes(most) + " more by keep_every" : "";
  }

  private static String parts(SequencedMap<String, Long> parts) {
    return parts.entrySet().stream()
        .filter(part -> part.getValue() > 0)
        .map(part -> part.getKey().replace('_', ' ') + " " + Quantities.bytes(part.getValue()))
        .collect(Collectors.joining(", "));
  }

  ObjectNode document() {
    StageSummary first = preview.first();
    ObjectNode document =
        Documents.of("train")
            .put("stage", first.name())
            .put("steps", first.steps())
            .put("tensors", first.tensors())
            .put("trained_tensors", first.trained())
            .put("trained_parameters", first.trainedParameters())
            .put("seconds_per_step", preview.secondsPerStep());
    ArrayNode stages = document.putArray("memory");
    for (MemoryForecast forecast : preview.stages()) {
      ObjectNode stage =
          stages.addObject().put("stage", forecast.stage()).put("peak_bytes", forecast.bytes());
      forecast.parts().forEach((part, bytes) -> stage.put(part + "_bytes", bytes));
    }
    DiskForecast disk = preview.disk();
    ObjectNode folder = document.putObject("disk").put("peak_bytes", disk.bytes());
    disk.parts().forEach((part, bytes) -> folder.put(part + "_bytes", bytes));
    disk.kept().ifPresent(bytes -> folder.put("kept_bytes", bytes));
    return document;
  }
}
