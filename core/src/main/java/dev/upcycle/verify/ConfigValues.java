package dev.upcycle.verify;

import java.util.Locale;
import tools.jackson.databind.JsonNode;

/// Values of a config held against each other; numbers by value, so that 1e-5 equals 0.00001.
final class ConfigValues {
  private ConfigValues() {}

  static boolean same(JsonNode left, JsonNode right) {
    return left.equals(ConfigValues::compare, right);
  }

  private static int compare(JsonNode left, JsonNode right) {
    if (left.isNumber() && right.isNumber()) {
      return left.decimalValue().compareTo(right.decimalValue());
    }
    return left.equals(right) ? 0 : 1;
  }

  /// Reports a key that has another value than it must.
  static void expectEqual(String key, JsonNode wanted, JsonNode actual, Findings findings) {
    findings.covered(CheckKind.CONFIG);
    if (!same(wanted, actual)) {
      findings.failed(
          CheckKind.CONFIG,
          "config.json: " + key,
          String.format(Locale.ROOT, "expected %s, actual %s", told(wanted), told(actual)));
    }
  }

  private static String told(JsonNode node) {
    return node.isMissingNode() ? "absent" : node.toString();
  }
}
