package dev.upcycle.arch;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// Products and exact quotients of symbols and numbers, left to right: `heads*head_dim`,
/// `head_dim/2`.
final class Expression {
  private Expression() {}

  static List<String> symbols(String expression) {
    List<String> symbols = new ArrayList<>();
    for (String term : expression.split("[*/]", -1)) {
      if (!Character.isDigit(term.charAt(0))) {
        symbols.add(term);
      }
    }
    return symbols;
  }

  /// @throws ArithmeticException when a quotient is not whole
  static long evaluate(String expression, Map<String, Long> symbols) {
    long value = 1;
    char operator = '*';
    int start = 0;
    for (int end = 1; end <= expression.length(); end++) {
      if (end < expression.length() && "*/".indexOf(expression.charAt(end)) < 0) {
        continue;
      }
      String name = expression.substring(start, end);
      long term = term(name, symbols);
      if (operator == '*') {
        value = Math.multiplyExact(value, term);
      } else if (value % term == 0) {
        value /= term;
      } else {
        throw new ArithmeticException(
            String.format(
                Locale.ROOT,
                "%s is not whole: %d does not divide by %d (%s)",
                expression,
                value,
                term,
                name));
      }
      operator = end < expression.length() ? expression.charAt(end) : operator;
      start = end + 1;
    }
    return value;
  }

  private static long term(String name, Map<String, Long> symbols) {
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
