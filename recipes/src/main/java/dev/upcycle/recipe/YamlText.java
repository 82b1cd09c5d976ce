package dev.upcycle.recipe;

import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Writes values as YAML on one line, so that the reader gives back the same value and type.
final class YamlText {
  private static final Pattern PLAIN = Pattern.compile("[A-Za-z_][A-Za-z0-9_./+-]*");
  private static final Pattern RESERVED =
      Pattern.compile("(?i)true|false|null|yes|no|on|off|y|n|nan|inf");

  private YamlText() {}

  /// True when a text needs no quotes to be read as text, by readers of YAML 1.1 too.
  static boolean isPlain(String text) {
    return PLAIN.matcher(text).matches() && !RESERVED.matcher(text).matches();
  }

  static String of(@Nullable Object value) {
    return switch (value) {
      case null -> "null";
      case String text -> text(text);
      case List<?> list ->
          list.stream().map(YamlText::of).collect(Collectors.joining(", ", "[", "]"));
      case Map<?, ?> map ->
          map.entrySet().stream()
              .map(entry -> text(entry.getKey().toString()) + ": " + of(entry.getValue()))
              .collect(Collectors.joining(", ", "{", "}"));
      case Object other -> other.toString();
    };
  }

  /// A text, quoted where it must be.
  static String text(String text) {
    return isPlain(text) ? text : quoted(text);
  }

  private static String quoted(String text) {
    StringBuilder out = new StringBuilder("\"");
    text.codePoints().forEach(point -> append(out, point));
    return out.append('"').toString();
  }

  private static void append(StringBuilder out, int point) {
    boolean printable =
        switch (Character.getType(point)) {
          case Character.CONTROL,
              Character.FORMAT,
              Character.SURROGATE,
              Character.UNASSIGNED,
              Character.LINE_SEPARATOR,
              Character.PARAGRAPH_SEPARATOR ->
              false;
          default -> true;
        };
    if (point == '"' || point == '\\') {
      out.append('\\').appendCodePoint(point);
    } else if (printable) {
      out.appendCodePoint(point);
    } else {
      out.append(point > 0xFFFF ? "\\U%08X".formatted(point) : "\\u%04X".formatted(point));
    }
  }
}
