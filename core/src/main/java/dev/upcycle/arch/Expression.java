package dev.upcycle.arch;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Products, quotients, sums and differences of symbols and numbers, strictly from left to right:
/// `heads*head_dim`, `grid*grid+1`. A quotient `a/b` must be whole, `a//b` is rounded down.
final class Expression {
  private static final Pattern TERM = Pattern.compile("([*+-]|//?)?([A-Za-z_0-9]+)");

  private Expression() {}

  static List<String> symbols(String expression) {
    return TERM.matcher(expression)
        .results()
        .map(term -> term.group(2))
        .filter(name -> !Character.isDigit(name.charAt(0)))
        .toList();
  }

  /// @throws ArithmeticException when a quotient is not whole
  static long evaluate(String expression, Map<String, Long> symbols) {
    long value = 0;
    Matcher term = TERM.matcher(expression);
    for (int at = 0; at < expression.length(); at = term.end()) {
      if (!term.find(at) || term.start() != at || (at == 0) != (term.group(1) == null)) {
        throw new IllegalArgumentException("no expression: " + expression);
      }
      String name = term.group(2);
      long operand = operand(name, symbols);
      value =
          switch (term.group(1)) {
            case null -> operand;
            case "*" -> Math.multiplyExact(value, operand);
            case "+" -> Math.addExact(value, operand);
            case "-" -> Math.subtractExact(value, operand);
            case "//" -> value / operand;
            default -> quotient(expression, value, operand, name);
          };
    }
    return value;
  }

  private static long quotient(String expression, long value, long operand, String name) {
    if (value % operand != 0) {
      throw new ArithmeticException(
          String.format(
              Locale.ROOT,
              "%s is not whole: %d does not divide by %d (%s)",
              expression,
              value,
              operand,
              name));
    }
    return value / operand;
  }

  private static long operand(String name, Map<String, Long> symbols) {
    if (Character.isDigit(name.charAt(0))) {
      return Long.parseLong(name);
    }
    Long value = symbols.get(name);
    if (value == null) {
      throw new IllegalArgumentException("no value for the symbol " + name);
    }
    return value;
  }
}
