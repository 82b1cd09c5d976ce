package dev.upcycle.train;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.SequencedSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What differs between the flat files of two recipes, by key path.
final class RecipeDifference {
  private static final Pattern LINE =
      Pattern.compile("( *)(- )?(\"(?:[^\"\\\\]|\\\\.)*\"|[^:]+):(.*)");
  private static final Pattern STAGE = Pattern.compile("train\\.stages\\.[0-9]+\\.");

  private RecipeDifference() {}

  /// Every key whose value differs, one sentence each.
  static List<String> between(String before, String now) {
    SequencedMap<String, String> old = values(before);
    SequencedMap<String, String> given = values(now);
    SequencedSet<String> keys = new LinkedHashSet<>(old.keySet());
    keys.addAll(given.keySet());
    List<String> changes = new ArrayList<>();
    for (String key : keys) {
      String was = old.getOrDefault(key, "absent");
      String is = given.getOrDefault(key, "absent");
      if (!was.equals(is)) {
        changes.add("recipe: %s%s was %s, is %s".formatted(key, stage(key, old, given), was, is));
      }
    }
    return changes;
  }

  private static String stage(String key, Map<String, String> old, Map<String, String> given) {
    Matcher matcher = STAGE.matcher(key);
    if (!matcher.lookingAt()) {
      return "";
    }
    String name = matcher.group() + "name";
    return Optional.ofNullable(old.getOrDefault(name, given.get(name)))
        .map(" of stage %s"::formatted)
        .orElse("");
  }

  /// A map or a list that encloses lines.
  private record Level(int indent, String path) {}

  /// Values by key path.
  private static SequencedMap<String, String> values(String yaml) {
    SequencedMap<String, String> values = new LinkedHashMap<>();
    Deque<Level> open = new ArrayDeque<>();
    Map<String, Integer> items = new HashMap<>();
    for (String line : yaml.lines().toList()) {
      Matcher matcher = LINE.matcher(line);
      if (!matcher.matches()) {
        continue;
      }
      int indent = matcher.group(1).length();
      boolean item = matcher.group(2) != null;
      while (!open.isEmpty() && open.peek().indent() >= indent) {
        open.pop();
      }
      if (item) {
        String list = open.isEmpty() ? "" : open.peek().path();
        int index = items.merge(list, 1, Integer::sum) - 1;
        open.push(new Level(indent, list + index + "."));
        indent += 2;
      }
      String path = (open.isEmpty() ? "" : open.peek().path()) + matcher.group(3);
      String value = matcher.group(4).strip();
      if (value.isEmpty()) {
        open.push(new Level(indent, path + "."));
      } else {
        values.put(path, value);
      }
    }
    return values;
  }
}
