package dev.upcycle.recipe;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// The values of a checked recipe by key path, in the order of the flat file.
final class Leaves {
  private final SequencedMap<KeyPath, Value> values = new LinkedHashMap<>();
  private final Map<KeyPath, Map<String, @Nullable Object>> free = new LinkedHashMap<>();
  private final Set<KeyPath> lists = new HashSet<>();

  /// One value.
  ///
  /// @param value as its type reads it
  /// @param yaml on one line
  /// @param place who gave it
  record Value(Object value, String yaml, Place place) {}

  /// Says that what stands below a path are the items of a list.
  void putList(KeyPath path) {
    lists.add(path);
  }

  /// How many items a list has; 0 where there is none.
  int size(KeyPath list) {
    int size = 0;
    while (has(list.child(String.valueOf(size)))) {
      size++;
    }
    return size;
  }

  /// The values of a map of the user's own keys, in its order.
  SequencedMap<String, Value> below(KeyPath map) {
    int depth = map.segments().size();
    SequencedMap<String, Value> found = new LinkedHashMap<>();
    values.forEach((path, value) -> {
      List<String> segments = path.segments();
      if (segments.size() == depth + 1 && segments.subList(0, depth).equals(map.segments())) {
        found.put(segments.getLast(), value);
      }
    });
    return found;
  }

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

  /// What stands at a path that was checked to have a value, as its type reads it.
  Object value(KeyPath path) {
    return find(path).orElseThrow(() -> new IllegalStateException("no " + path)).value();
  }

  String word(KeyPath path) {
    return (String) value(path);
  }

  List<String> words(KeyPath path) {
    return ((List<?>) value(path)).stream().map(String.class::cast).toList();
  }

  long whole(KeyPath path) {
    return (Long) value(path);
  }

  int count(KeyPath path) {
    return Math.toIntExact(whole(path));
  }

  Optional<Integer> findCount(KeyPath path) {
    return find(path).map(found -> Math.toIntExact((Long) found.value()));
  }

  List<Integer> counts(KeyPath path) {
    return ((List<?>) value(path)).stream().map(i -> Math.toIntExact((Long) i)).toList();
  }

  double number(KeyPath path) {
    return (Double) value(path);
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

  /// The flat file: one line for each map and each value, two spaces a level, a dash in the place
  /// of an item's index.
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
      boolean dashed = false;
      for (int level = shared; level < segments.size(); level++) {
        if (!dashed) {
          out.repeat("  ", level);
        }
        dashed = lists.contains(new KeyPath(segments.subList(0, level)));
        if (dashed) {
          out.append("- ");
          continue;
        }
        out.append(YamlText.text(segments.get(level))).append(':');
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
