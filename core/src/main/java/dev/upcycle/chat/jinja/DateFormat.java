package dev.upcycle.chat.jinja;

import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Map;

/// The part of `strftime` that templates use, in the C locale.
final class DateFormat {
  private static final Map<Character, String> PATTERNS =
      Map.ofEntries(
          Map.entry('Y', "uuuu"),
          Map.entry('y', "uu"),
          Map.entry('m', "MM"),
          Map.entry('d', "dd"),
          Map.entry('e', "ppd"),
          Map.entry('b', "MMM"),
          Map.entry('B', "MMMM"),
          Map.entry('a', "EEE"),
          Map.entry('A', "EEEE"),
          Map.entry('j', "DDD"),
          Map.entry('H', "HH"),
          Map.entry('I', "hh"),
          Map.entry('M', "mm"),
          Map.entry('S', "ss"),
          Map.entry('p', "a"),
          Map.entry('F', "uuuu-MM-dd"),
          Map.entry('T', "HH:mm:ss"));

  private DateFormat() {}

  static String of(String format, LocalDateTime time) {
    StringBuilder out = new StringBuilder();
    int place = 0;
    while (place < format.length()) {
      char character = format.charAt(place++);
      if (character != '%') {
        out.append(character);
      } else if (place < format.length()) {
        out.append(field(format.charAt(place++), time));
      } else {
        out.append('%');
      }
    }
    return out.toString();
  }

  private static String field(char kind, LocalDateTime time) {
    if (kind == '%') {
      return "%";
    }
    String pattern = PATTERNS.get(kind);
    if (pattern == null) {
      throw Fault.notCovered("'%%%c' of strftime_now".formatted(kind));
    }
    return DateTimeFormatter.ofPattern(pattern, Locale.ENGLISH).format(time);
  }
}
