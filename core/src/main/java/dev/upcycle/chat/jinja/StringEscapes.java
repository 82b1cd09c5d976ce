package dev.upcycle.chat.jinja;

import java.util.Map;

/// The escapes of Python's string literals.
final class StringEscapes {
  private static final Map<Character, String> SIMPLE =
      Map.ofEntries(
          Map.entry('\n', ""),
          Map.entry('\\', "\\"),
          Map.entry('\'', "'"),
          Map.entry('"', "\""),
          Map.entry('a', "\u0007"),
          Map.entry('b', "\b"),
          Map.entry('f', "\f"),
          Map.entry('n', "\n"),
          Map.entry('r', "\r"),
          Map.entry('t', "\t"),
          Map.entry('v', "\u000b"));
  private static final Map<Character, Integer> HEXADECIMAL = Map.of('x', 2, 'u', 4, 'U', 8);

  private final String literal;
  private final StringBuilder meant = new StringBuilder();
  private int place;

  private StringEscapes(String literal) {
    this.literal = literal;
  }

  /// What the characters between the quotes mean.
  static String resolve(String literal) {
    return literal.indexOf('\\') < 0 ? literal : new StringEscapes(literal).resolve();
  }

  private String resolve() {
    while (place < literal.length()) {
      char character = literal.charAt(place++);
      if (character == '\\') {
        escape(literal.charAt(place++));
      } else {
        meant.append(character);
      }
    }
    return meant.toString();
  }

  private void escape(char kind) {
    String simple = SIMPLE.get(kind);
    Integer digits = HEXADECIMAL.get(kind);
    if (simple != null) {
      meant.append(simple);
    } else if (digits != null) {
      hexadecimal(kind, digits);
    } else if (kind >= '0' && kind <= '7') {
      octal();
    } else if (kind == 'N') {
      throw Fault.notCovered("the escape '\\N'");
    } else {
      meant.append('\\').append(kind);
    }
  }

  private void hexadecimal(char kind, int digits) {
    int end = place + digits;
    String text = end <= literal.length() ? literal.substring(place, end) : "";
    if (text.isEmpty() || !text.chars().allMatch(c -> Character.digit(c, 16) >= 0)) {
      throw new Fault("'\\%c' needs %d hexadecimal digits".formatted(kind, digits));
    }
    long codePoint = Long.parseLong(text, 16);
    if (codePoint > Character.MAX_CODE_POINT || (codePoint >= 0xD800 && codePoint <= 0xDFFF)) {
      throw new Fault("'\\%c%s' is no character".formatted(kind, text));
    }
    meant.appendCodePoint((int) codePoint);
    place = end;
  }

  private void octal() {
    int start = place - 1;
    while (place < literal.length() && place < start + 3 && isOctal(literal.charAt(place))) {
      place++;
    }
    meant.appendCodePoint(Integer.parseInt(literal.substring(start, place), 8));
  }

  private static boolean isOctal(char character) {
    return character >= '0' && character <= '7';
  }
}
