package dev.upcycle.recipe;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// Where a value stands in a recipe, such as `language.experts.count`; a segment with a dot in it
/// is written in double quotes.
///
/// @param segments from the root
record KeyPath(List<String> segments) {
  static final KeyPath ROOT = new KeyPath(List.of());

  private static final Pattern SEGMENT = Pattern.compile("\"([^\"]*)\"|([^.\"]+)");

  KeyPath {
    segments = List.copyOf(segments);
  }

  /// Reads `a.b` or `a."b.c"`; an empty list of segments where the text is no path.
  static KeyPath parse(String text) {
    List<String> segments = new ArrayList<>();
    Matcher matcher = SEGMENT.matcher(text);
    int at = 0;
    while (at < text.length()) {
      matcher.region(at, text.length());
      if (!matcher.lookingAt()) {
        return ROOT;
      }
      String quoted = matcher.group(1);
      segments.add(quoted == null ? matcher.group(2) : quoted);
      at = matcher.end();
      if (at < text.length() && (text.charAt(at) != '.' || ++at == text.length())) {
        return ROOT;
      }
    }
    return new KeyPath(segments);
  }

  KeyPath child(String segment) {
    List<String> longer = new ArrayList<>(segments);
    longer.add(segment);
    return new KeyPath(longer);
  }

  @Override
  public String toString() {
    return segments.stream()
        .map(s -> s.isEmpty() || s.indexOf('.') >= 0 ? '"' + s + '"' : s)
        .collect(Collectors.joining("."));
  }
}
