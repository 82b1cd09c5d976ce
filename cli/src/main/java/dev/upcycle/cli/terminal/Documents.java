package dev.upcycle.cli.terminal;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.NumericNode;
import tools.jackson.databind.node.ObjectNode;

/// The JSON documents of `--json`.
public final class Documents {
  private Documents() {}

  /// An empty document of a command: `{"schema": "upcycle/<command>/1"}`.
  public static ObjectNode of(String command) {
    return JsonNodeFactory.instance.objectNode().put("schema", "upcycle/" + command + "/1");
  }

  /// The same document with null for numbers that JSON does not have.
  static JsonNode finite(JsonNode node) {
    return switch (node) {
      case ObjectNode object -> {
        ObjectNode copy = JsonNodeFactory.instance.objectNode();
        object.forEachEntry((key, value) -> copy.set(key, finite(value)));
        yield copy;
      }
      case ArrayNode array -> {
        ArrayNode copy = JsonNodeFactory.instance.arrayNode();
        array.forEach(value -> copy.add(finite(value)));
        yield copy;
      }
      case NumericNode number when !Double.isFinite(number.doubleValue()) ->
          JsonNodeFactory.instance.nullNode();
      default -> node;
    };
  }
}
