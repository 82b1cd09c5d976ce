package dev.upcycle.checkpoint;

import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// JSON as transformers writes its configs and indexes: Python's `json.dumps(…, indent=2,
/// sort_keys=True)` and a newline.
///
/// Keys sorted at every level, everything beyond ASCII escaped, floats spelt as Python spells them
/// (`1e-05`, `10000.0`), so that a float never turns into a whole number.
public final class JsonText {
  private static final String INDENT = "  ";

  private final StringBuilder out = new StringBuilder();

  private JsonText() {}

  /// The bytes of the file.
  public static byte[] pretty(ObjectNode json) {
    JsonText text = new JsonText();
    text.write(json, "\n");
    return text.out.append('\n').toString().getBytes(StandardCharsets.US_ASCII);
  }

  private void write(JsonNode node, String newline) {
    if (node instanceof ObjectNode object) {
      writeObject(object, newline);
    } else if (node instanceof ArrayNode array) {
      writeArray(array, newline);
    } else if (node.isString()) {
      writeText(node.stringValue());
    } else if (node.isFloatingPointNumber()) {
      out.append(python(node));
    } else {
      out.append(node);
    }
  }

  private void writeObject(ObjectNode object, String newline) {
    if (object.isEmpty()) {
      out.append("{}");
      return;
    }
    String inner = newline + INDENT;
    List<String> keys = object.propertyNames().stream().sorted().toList();
    String separator = "{";
    for (String key : keys) {
      out.append(separator).append(inner);
      writeText(key);
      out.append(": ");
      write(object.path(key), inner);
      separator = ",";
    }
    out.append(newline).append('}');
  }

  private void writeArray(ArrayNode array, String newline) {
    if (array.isEmpty()) {
      out.append("[]");
      return;
    }
    String inner = newline + INDENT;
    Iterator<JsonNode> elements = array.iterator();
    String separator = "[";
    while (elements.hasNext()) {
      out.append(separator).append(inner);
      write(elements.next(), inner);
      separator = ",";
    }
    out.append(newline).append(']');
  }

  private void writeText(String text) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\b' -> out.append("\\b");
        case '\f' -> out.append("\\f");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        default -> {
          if (c < ' ' || c > '~') {
            out.append("\\u").append(HexFormat.of().toHexDigits(c));
          } else {
            out.append(c);
          }
        }
      }
    }
    out.append('"');
  }

  /// Python's `repr` of a float: the shortest digits that give the number again, in plain notation
  /// for exponents from -4 to 15. (Java's digits may differ for subnormal numbers only.)
  private static String python(JsonNode number) {
    double value = number.doubleValue();
    if (Double.isNaN(value) || Double.isInfinite(value)) {
      return Double.toString(value);
    }
    if (value == 0) {
      return 1 / value < 0 ? "-0.0" : "0.0";
    }
    BigDecimal shortest = new BigDecimal(Double.toString(value)).stripTrailingZeros();
    int exponent = shortest.precision() - shortest.scale() - 1;
    if (exponent >= -4 && exponent < 16) {
      String plain = shortest.toPlainString();
      return plain.contains(".") ? plain : plain + ".0";
    }
    String digits = shortest.unscaledValue().abs().toString();
    String fraction = digits.length() == 1 ? "" : "." + digits.substring(1);
    return String.format(
        Locale.ROOT,
        "%s%s%se%s%02d",
        value < 0 ? "-" : "",
        digits.charAt(0),
        fraction,
        exponent < 0 ? "-" : "+",
        Math.abs(exponent));
  }
}
