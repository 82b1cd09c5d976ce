package dev.upcycle.chat.jinja;

import java.math.BigDecimal;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// How Python writes values, and what it calls white space. One thread.
final class PythonText {
  private final Budget budget;

  PythonText(Budget budget) {
    this.budget = budget;
  }

  /// `str(value)`.
  String str(Value value) {
    return switch (value) {
      case Value.Text(String text) -> text;
      case Value.Safe(String text) -> text;
      case Value.Undefined _ -> "";
      case Value.None _,
          Value.Bool _,
          Value.Int _,
          Value.Real _,
          Value.Items _,
          Value.Tuple _,
          Value.Dict _,
          Value.Range _,
          Value.Stream _,
          Value.View _,
          Value.Namespace _,
          Value.Loop _,
          Value.Callable _ -> {
        StringBuilder out = new StringBuilder();
        write(value, out);
        yield out.toString();
      }
    };
  }

  private void write(Value value, StringBuilder out) {
    budget.step();
    switch (value) {
      case Value.Items(List<Value> items) -> list("[", items, "]", out);
      case Value.Tuple(List<Value> items) -> list("(", items, items.size() == 1 ? ",)" : ")", out);
      case Value.Dict(Map<Value, Value> entries) -> dict(entries, out);
      case Value.View(String kind, List<Value> items) -> list(kind + "([", items, "])", out);
      case Value.None _ -> out.append("None");
      case Value.Bool(boolean truth) -> out.append(truth ? "True" : "False");
      case Value.Int(var number) -> add(number.toString(), out);
      case Value.Real(double number) -> add(real(number), out);
      case Value.Text(String text) -> add(quoted(text), out);
      case Value.Undefined _ -> out.append("Undefined");
      case Value.Safe _,
          Value.Range _,
          Value.Stream _,
          Value.Namespace _,
          Value.Loop _,
          Value.Callable _ ->
          throw Fault.notCovered("writing out a value of type " + Value.typeName(value));
    }
  }

  private void add(String piece, StringBuilder out) {
    budget.characters(piece.length());
    out.append(piece);
  }

  private void list(String open, List<Value> items, String close, StringBuilder out) {
    add(open, out);
    String separator = "";
    for (Value item : items) {
      add(separator, out);
      write(item, out);
      separator = ", ";
    }
    add(close, out);
  }

  private void dict(Map<Value, Value> entries, StringBuilder out) {
    add("{", out);
    Iterator<Map.Entry<Value, Value>> rest = entries.entrySet().iterator();
    while (rest.hasNext()) {
      Map.Entry<Value, Value> entry = rest.next();
      write(entry.getKey(), out);
      add(": ", out);
      write(entry.getValue(), out);
      add(rest.hasNext() ? ", " : "", out);
    }
    add("}", out);
  }

  /// `repr` of a float.
  static String real(double number) {
    if (Double.isNaN(number)) {
      return "nan";
    }
    if (Double.isInfinite(number)) {
      return number > 0 ? "inf" : "-inf";
    }
    if (number == 0) {
      return 1 / number < 0 ? "-0.0" : "0.0";
    }
    String sign = number < 0 ? "-" : "";
    BigDecimal shortest = new BigDecimal(Double.toString(Math.abs(number))).stripTrailingZeros();
    String digits = shortest.unscaledValue().toString();
    int point = digits.length() - shortest.scale();
    return sign + (point > -4 && point <= 16 ? plain(digits, point) : scientific(digits, point));
  }

  private static String plain(String digits, int point) {
    if (point <= 0) {
      return "0." + "0".repeat(-point) + digits;
    }
    if (point >= digits.length()) {
      return digits + "0".repeat(point - digits.length()) + ".0";
    }
    return digits.substring(0, point) + "." + digits.substring(point);
  }

  private static String scientific(String digits, int point) {
    int exponent = point - 1;
    String fraction = digits.length() == 1 ? "" : "." + digits.substring(1);
    return "%s%se%s%02d"
        .formatted(digits.substring(0, 1), fraction, exponent < 0 ? "-" : "+", Math.abs(exponent));
  }

  /// `repr` of text.
  private static String quoted(String text) {
    char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
    StringBuilder out = new StringBuilder().append(quote);
    text.codePoints().forEach(point -> quote(point, quote, out));
    return out.append(quote).toString();
  }

  private static void quote(int point, char quote, StringBuilder out) {
    switch (point) {
      case '\n' -> out.append("\\n");
      case '\r' -> out.append("\\r");
      case '\t' -> out.append("\\t");
      case '\\' -> out.append("\\\\");
      default -> {
        if (point == quote) {
          out.append('\\').append(quote);
        } else if (printable(point)) {
          out.appendCodePoint(point);
        } else {
          String form = point < 0x100 ? "\\x%02x" : point < 0x10000 ? "\\u%04x" : "\\U%08x";
          out.append(form.formatted(point));
        }
      }
    }
  }

  private static boolean printable(int point) {
    return switch (Character.getType(point)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      case Character.SPACE_SEPARATOR -> point == ' ';
      default -> true;
    };
  }

  /// What `str.isspace` says of a character.
  static boolean isSpace(int point) {
    return switch (point) {
      case ' ', '\t', '\n', '\r', 0x0b, 0x0c, 0x1c, 0x1d, 0x1e, 0x1f, 0x85, 0xa0 -> true;
      default ->
          switch (Character.getType(point)) {
            case Character.SPACE_SEPARATOR,
                Character.LINE_SEPARATOR,
                Character.PARAGRAPH_SEPARATOR ->
                true;
            default -> false;
          };
    };
  }

  /// Whether white space is all there is; true of no text at all.
  static boolean isBlank(String text) {
    return text.codePoints().allMatch(PythonText::isSpace);
  }

  /// `rstrip()`.
  static String stripEnd(String text) {
    int end = text.length();
    while (end > 0 && isSpace(text.codePointBefore(end))) {
      end -= Character.charCount(text.codePointBefore(end));
    }
    return text.substring(0, end);
  }

  /// `lstrip()`.
  static String stripStart(String text) {
    int start = 0;
    while (start < text.length() && isSpace(text.codePointAt(start))) {
      start += Character.charCount(text.codePointAt(start));
    }
    return text.substring(start);
  }

  /// `capitalize()`.
  static String capitalised(String text) {
    if (text.isEmpty()) {
      return text;
    }
    int first = text.codePointAt(0);
    return title(first) + lower(text).substring(lower(Character.toString(first)).length());
  }

  private static String title(int point) {
    String upper = upper(Character.toString(point));
    int title = Character.toTitleCase(point);
    if (title != point || upper.codePointCount(0, upper.length()) == 1) {
      return Character.toString(title);
    }
    int first = upper.codePointAt(0);
    return Character.toString(first) + lower(upper.substring(Character.charCount(first)));
  }

  static String lower(String text) {
    return text.toLowerCase(Locale.ROOT);
  }

  static String upper(String text) {
    return text.toUpperCase(Locale.ROOT);
  }
}
