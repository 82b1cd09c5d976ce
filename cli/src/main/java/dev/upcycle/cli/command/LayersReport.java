package dev.upcycle.cli.command;

import dev.upcycle.cli.terminal.Table;
import dev.upcycle.evaluate.ExpertLoad;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// How experts share the work, as a table and in JSON.
final class LayersReport {
  private LayersReport() {}

  static Table table(List<ExpertLoad> loads) {
    Table table = Table.of("layer", "percent per expert", "entropy", "evenness", "dead");
    for (ExpertLoad load : loads) {
      table.row(
          Integer.toString(load.layer()),
          shares(load),
          number("%.4f", load.entropy()),
          number("%.4f", load.evenness()),
          dead(load));
    }
    return table;
  }

  /// Each expert's percent.
  static String shares(ExpertLoad load) {
    StringBuilder shares = new StringBuilder();
    for (int expert = 0; expert < load.counts().size(); expert++) {
      shares.append(number("%6.1f", 100 * load.share(expert)));
    }
    return shares.toString();
  }

  /// The experts without a token.
  static String dead(ExpertLoad load) {
    return load.dead().isEmpty()
        ? "none"
        : load.dead().stream().map(String::valueOf).collect(Collectors.joining(" "));
  }

  /// Adds the layers to an array.
  static void add(List<ExpertLoad> loads, ArrayNode layers) {
    for (ExpertLoad load : loads) {
      put(load, layers.addObject().put("layer", load.layer()));
    }
  }

  /// Adds a layer's load to what tells of it.
  static void put(ExpertLoad load, ObjectNode layer) {
    ArrayNode counts = layer.putArray("load");
    load.counts().forEach(counts::add);
    layer.put("entropy", load.entropy());
    layer.put("evenness", load.evenness());
    ArrayNode dead = layer.putArray("dead_experts");
    load.dead().forEach(dead::add);
  }

  static String number(String format, double value) {
    return String.format(Locale.ROOT, format, value);
  }
}
