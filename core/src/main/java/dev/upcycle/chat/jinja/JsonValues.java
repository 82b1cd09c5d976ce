package dev.upcycle.chat.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/// JSON as a template's values.
public final class JsonValues {
  private JsonValues() {}

  /// The value that Python's `json.loads` gives for the same text.
  ///
  /// @param node a document as the parser left it
  public static Value of(JsonNode node) {
    return switch (node.getNodeType()) {
      case OBJECT -> object(node);
      case ARRAY -> array(node);
      case STRING -> Value.of(node.stringValue());
      case BOOLEAN -> Value.of(node.booleanValue());
      case NULL -> Value.None.NONE;
      case NUMBER ->
          node.isIntegralNumber()
              ? new Value.Int(node.bigIntegerValue())
              : new Value.Real(node.doubleValue());
      case BINARY, MISSING, POJO ->
          throw new IllegalArgumentException("not a value of JSON: " + node.getNodeType());
    };
  }

  private static Value object(JsonNode node) {
    Map<Value, Value> entries = new LinkedHashMap<>();
    node.properties().forEach(entry -> entries.put(Value.of(entry.getKey()), of(entry.getValue())));
    return new Value.Dict(entries);
  }

  private static Value array(JsonNode node) {
    List<Value> items = new ArrayList<>();
    node.values().forEach(item -> items.add(of(item)));
    return new Value.Items(items);
  }
}
