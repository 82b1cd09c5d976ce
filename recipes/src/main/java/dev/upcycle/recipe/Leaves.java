package dev.upcycle.recipe;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/// The values of a checked recipe by key path, in the order of the flat file.
final class Leaves {
  private final SequencedMap<KeyPath, Value> values = new LinkedHashMap<>();
  private final Map<KeyPath, Map<String, @Nullable Object>> free = new LinkedHashMap<>();

  /// One value.
  ///
  /// @param value as its type reads it
  /// @param yaml on one line
  /// @param place who gave it
  record Value(Object value, String yaml, Place place) {}

  /// Keeps a map of the user's own keys whole, beside the values that it holds.
  void putFree(KeyPath path, Map<String, @Nullable Object> map) {
    free.put(path, map);
  }

  /// A map of the user's own keys; empty where there is none.
  Map<String, @Nullable Object> free(KeyPath path) {
    return free.getOrDefault(path, Map.of());
  }

  void put(KeyPath path, Value value) {
    values.put(path, value);
  }

  Optional<Value> find(KeyPath path) {
    return Optional.ofNullable(values.get(path));
  }

  /// True when a value stands at this path or below it.
  boolean has(KeyPath parent) {
    int depth = parent.segments().size();
    return values.keySet().stream()
        .map(KeyPath::segments)
        .anyMatch(s -> s.size() >= depth && s.subList(0, depth).equals(parent.segments()));
  }

  /// Who gave each value.
  SequencedMap<String, Origin> origins() {
    SequencedMap<String, Origin> origins = new LinkedHashMap<>();
    values.forEach((path, value) -> origins.put(path.toString(), value.place().origin()));
    return origins;
  }

  /// The flat file: one line for each map and each value, two spaces a level.
  String yaml() {
    StringBuilder out = new StringBuilder();
    List<String> open = List.of();
    for (Map.Entry<KeyPath, Value> entry : values.entrySet()) {
      List<String> segments = entry.getKey().segments();
      int shared = 0;
      while (shared < Math.min(open.size(), segments.size() - 1)
          && open.get(shared).equals(segments.get(shared))) {
        shared++;
      }
      for (int level = shared; level < segments.size(); level++) {
        out.repeat("  ", level).append(YamlText.text(segments.get(level))).append(':');
        if (level < segments.size() - 1) {
          out.append('\n');
        }
      }
      out.append(' ').append(entry.getValue().yaml()).append('\n');
      open = segments.subList(0, segments.size() - 1);
    }
    return out.toString();
  }
}
