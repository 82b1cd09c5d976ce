package dev.upcycle.train;

import dev.upcycle.checkpoint.write.ResourceException;
import dev.upcycle.recipe.Stage;
import dev.upcycle.recipe.Updates;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.SequencedMap;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/// The memory that a run may use, and the nearest settings that need no more.
///
/// @param bytes of the machine, or of its control groups where that is less
record MemoryLimit(long bytes) {
  private static final Path MACHINE = Path.of("/proc/meminfo");

  /// A forecast's greatest share of error (docs/train.md, Memory): what is proposed must not end
  /// for want of memory too.
  private static final double ERROR = 0.15;

  /// That of this machine; empty where it does not say.
  static Optional<MemoryLimit> ofThisMachine() {
    OptionalLong machine = machine();
    OptionalLong group = ControlGroups.OF_THIS_PROCESS.limit();
    return machine.isEmpty()
        ? Optional.empty()
        : Optional.of(new MemoryLimit(Math.min(machine.getAsLong(), group.orElse(Long.MAX_VALUE))));
  }

  private static OptionalLong machine() {
    try {
      return Files.readAllLines(MACHINE).stream()
          .filter(line -> line.startsWith("MemTotal:"))
          .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")) << 10)
          .findFirst();
    } catch (IOException e) {
      return OptionalLong.empty();
    }
  }

  /// Refuses a stage that needs more.
  ///
  /// @throws ResourceException naming what needs how much, and the nearest settings that fit
  void require(Stage stage, StageMemory model) {
    MemoryForecast forecast = model.forecast(stage);
    if (fits(forecast)) {
      return;
    }
    String parts =
        forecast.parts().entrySet().stream()
            .filter(part -> part.getValue() > 0)
            .map(part -> part.getKey().replace('_', ' ') + " " + text(part.getValue()))
            .collect(Collectors.joining(", "));
    throw new ResourceException(
        "stage %s needs %s of memory, the machine has %s: %s; %s"
            .formatted(
                stage.name(), text(forecast.bytes()), text(bytes), parts, advice(stage, model)));
  }

  private boolean fits(MemoryForecast forecast) {
    return forecast.bytes() <= bytes;
  }

  /// Whether it fits though the forecast is as much too low as forecasts may be.
  private boolean fitsSurely(MemoryForecast forecast) {
    return forecast.bytes() <= bytes / (1 + ERROR);
  }

  private String advice(Stage stage, StageMemory model) {
    SequencedMap<String, UnaryOperator<Stage>> changes = changes(stage, model);
    List<String> alone = new ArrayList<>();
    changes.forEach((name, change) -> {
      MemoryForecast changed = model.forecast(change.apply(stage));
      if (fitsSurely(changed)) {
        alone.add("%s (%s)".formatted(name, text(changed.bytes())));
      }
    });
    if (!alone.isEmpty()) {
      return "it fits with " + String.join(", or with ", alone);
    }
    Stage together = stage;
    List<String> names = new ArrayList<>();
    for (Map.Entry<String, UnaryOperator<Stage>> change : changes.entrySet()) {
      together = change.getValue().apply(together);
      names.add(change.getKey());
      MemoryForecast changed = model.forecast(together);
      if (fitsSurely(changed)) {
        return "it fits with %s together (%s)"
            .formatted(String.join(", ", names), text(changed.bytes()));
      }
    }
    return "even with %s it needs %s: train fewer tensors, or shorter rows"
        .formatted(String.join(", ", names), text(model.forecast(together).bytes()));
  }

  /// Changes that need less, the least of a change to what is learned first.
  private static SequencedMap<String, UnaryOperator<Stage>> changes(
      Stage stage, StageMemory model) {
    SequencedMap<String, UnaryOperator<Stage>> changes = new LinkedHashMap<>();
    if (stage.compute().recomputation() == Stage.Recomputation.NONE) {
      changes.put(
          "recompute: layers",
          each ->
              with(
                  each,
                  new Stage.Computation(each.compute().precision(), Stage.Recomputation.LAYERS)));
    }
    if (stage.pace().microBatch() > 1) {
      changes.put("micro_batch: 1", MemoryLimit::one);
    }
    if (stage.compute().precision() == Stage.Precision.F32) {
      changes.put(
          "precision: bf16",
          each ->
              with(
                  each,
                  new Stage.Computation(Stage.Precision.BF16, each.compute().recomputation())));
    }
    if (model.hasExperts()) {
      double rate =
          stage.updates().rates().values().stream()
              .mapToDouble(Double::doubleValue)
              .max()
              .orElse(0);
      changes.put(
          "rates: {experts: %s}".formatted(rate),
          each -> with(each, new LinkedHashMap<>(Map.of("experts", rate))));
    }
    return changes;
  }

  private static Stage one(Stage stage) {
    Stage.Pace pace = stage.pace();
    return copy(
        stage,
        stage.updates(),
        new Stage.Pace(pace.batch(), 1, pace.epochs(), pace.steps()),
        stage.compute());
  }

  private static Stage with(Stage stage, Stage.Computation compute) {
    return copy(stage, stage.updates(), stage.pace(), compute);
  }

  private static Stage with(Stage stage, SequencedMap<String, Double> rates) {
    Updates before = stage.updates();
    Updates updates =
        new Updates(
            rates, before.optimizer(), before.schedule(), before.clipNorm(), before.average());
    return copy(stage, updates, stage.pace(), stage.compute());
  }

  private static Stage copy(
      Stage stage, Updates updates, Stage.Pace pace, Stage.Computation compute) {
    return new Stage(
        stage.name(),
        stage.start(),
        updates,
        pace,
        compute,
        stage.losses(),
        stage.data(),
        stage.validation(),
        stage.checkpoints());
  }

  private static String text(long bytes) {
    return String.format(Locale.ROOT, "%.2f GB", bytes / 1e9);
  }
}
