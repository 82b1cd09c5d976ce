package dev.upcycle.cli.command;

import dev.upcycle.bench.ComputeSettings;
import dev.upcycle.bench.DecoderShape.ExpertShape;
import dev.upcycle.bench.Machine;
import dev.upcycle.cli.terminal.Documents;
import dev.upcycle.cli.terminal.Quantities;
import dev.upcycle.cli.terminal.Table;
import dev.upcycle.kernels.bench.Turn;
import dev.upcycle.kernels.bench.Turns;
import java.lang.management.ManagementFactory;
import java.util.Locale;
import java.util.function.Supplier;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// What the reports of measurements of computing share.
///
/// @param bench name of the measurement
/// @param settings how it ran
/// @param dtype the type as users write it
/// @param load processes that wanted the processors in the last minute, before it began; below 0
///   where the system does not say
record BenchReport(String bench, ComputeSettings settings, String dtype, double load) {
  static BenchReport begin(String bench, ComputeSettings settings, String dtype) {
    double load = ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage();
    return new BenchReport(bench, settings, dtype, load);
  }

  /// Makes a setting; sizes that it refuses are the user's.
  static <T> T checked(Supplier<T> setting) {
    try {
      return setting.get();
    } catch (IllegalArgumentException e) {
      throw new UsageException(String.valueOf(e.getMessage()));
    }
  }

  static Table turns() {
    return Table.of("", "dense s", "dense cpu s", "experts s", "experts cpu s", "ratio");
  }

  /// Adds each turn.
  static void rows(Table table, String name, Turns turns) {
    for (int i = 0; i < turns.all().size(); i++) {
      Turn turn = turns.all().get(i);
      table.row(
          name + " " + (i + 1),
          decimal(turn.dense().wallSeconds()),
          decimal(turn.dense().cpuSeconds()),
          decimal(turn.sparse().wallSeconds()),
          decimal(turn.sparse().cpuSeconds()),
          decimal(turn.ratio()));
    }
  }

  /// Adds what the turns say together.
  static void summary(Table table, Turns turns) {
    table
        .row("experts", rate(turns.tokensPerSecond()))
        .row("dense", rate(turns.denseTokensPerSecond()))
        .row(
            "time ratio",
            "%s of the dense side's, %s of its processor time; medians of the turns"
                .formatted(decimal(turns.ratio()), decimal(turns.cpuRatio())));
  }

  /// Adds how and where it ran.
  Table ending(Table table, String configuration) {
    Machine machine = Machine.here();
    return table
        .row(
            "configuration",
            "%s; %s on %s, threads %d"
                .formatted(configuration, dtype, settings.device(), settings.threads()))
        .row(
            "machine",
            "%s, %d processors, %s, load %s"
                .formatted(
                    machine.processor(),
                    machine.processors(),
                    Quantities.bytes(machine.memoryBytes()),
                    decimal(load)))
        .row("system", machine.system() + ", Java " + machine.java())
        .row("upcycle", Build.current().version() + ", commit " + Build.current().commit());
  }

  ObjectNode document() {
    return Documents.of("bench")
        .put("bench", bench)
        .put("version", Build.current().version())
        .put("commit", Build.current().commit());
  }

  /// Adds what the turns say together, and each of them.
  static void put(ObjectNode json, Turns turns) {
    json.put("tokens_per_second", turns.tokensPerSecond())
        .put("dense_tokens_per_second", turns.denseTokensPerSecond())
        .put("ratio", turns.ratio())
        .put("cpu_ratio", turns.cpuRatio());
    ArrayNode each = json.putArray("turns");
    for (Turn turn : turns.all()) {
      each.addObject()
          .put("dense_seconds", turn.dense().wallSeconds())
          .put("dense_cpu_seconds", turn.dense().cpuSeconds())
          .put("seconds", turn.sparse().wallSeconds())
          .put("cpu_seconds", turn.sparse().cpuSeconds())
          .put("ratio", turn.ratio())
          .put("cpu_ratio", turn.cpuRatio());
    }
  }

  /// Adds the configuration, to be gone on with, and the machine.
  ObjectNode ending(ObjectNode document, ExpertShape shape) {
    Machine machine = Machine.here();
    document
        .putObject("machine")
        .put("processor", machine.processor())
        .put("processors", machine.processors())
        .put("memory_bytes", machine.memoryBytes())
        .put("system", machine.system())
        .put("java", machine.java())
        .put("load_before", load);
    return document
        .putObject("configuration")
        .put("dtype", dtype)
        .put("device", settings.device())
        .put("threads", settings.threads())
        .put("turns", settings.turns())
        .put("hidden", shape.hidden())
        .put("intermediate", shape.intermediate())
        .put("experts", shape.count())
        .put("per_token", shape.perToken());
  }

  static String decimal(double value) {
    return String.format(Locale.ROOT, "%.3f", value);
  }

  static String rate(double tokensPerSecond) {
    return String.format(Locale.ROOT, "%.0f tokens/s", tokensPerSecond);
  }
}
