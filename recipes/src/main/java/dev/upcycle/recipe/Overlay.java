package dev.upcycle.recipe;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/// Lays one layer of precedence over another.
final class Overlay {
  private Overlay() {}

  /// The lower map with the values of the upper one, key by key; a list, or a map of another kind
  /// or form, replaces what is below it as a whole.
  static Node.Mapping merge(Shape shape, Node.Mapping lower, Node.Mapping upper) {
    if (isOfAnotherForm(shape, lower, upper)) {
      return upper;
    }
    SequencedMap<String, Node.Entry> merged = new LinkedHashMap<>(lower.entries());
    for (Map.Entry<String, Node.Entry> entry : upper.entries().entrySet()) {
      String key = entry.getKey();
      Node.Entry below = lower.entries().get(key);
      merged.put(key, merge(shape.child(key), below, entry.getValue()));
    }
    return new Node.Mapping(upper.place(), merged);
  }

  private static Node.Entry merge(
      Optional<Shape> shape, Node.@Nullable Entry lower, Node.Entry upper) {
    return shape.isPresent()
            && lower != null
            && lower.value() instanceof Node.Mapping from
            && upper.value() instanceof Node.Mapping to
        ? new Node.Entry(upper.keyPlace(), merge(shape.get(), from, to))
        : upper;
  }

  private static boolean isOfAnotherForm(Shape shape, Node.Mapping lower, Node.Mapping upper) {
    return switch (shape) {
      case Shape.Choice choice ->
          upper.entries().containsKey("kind") && !kind(choice, lower).equals(kind(choice, upper));
      case Shape.Layers _ -> {
        List<String> forms = Shape.Layers.FORMS;
        List<String> below = forms.stream().filter(lower.entries()::containsKey).toList();
        List<String> above = forms.stream().filter(upper.entries()::containsKey).toList();
        yield !above.isEmpty() && !above.equals(below);
      }
      case Shape.Section _, Shape.Items _, Shape.Numbers _, Shape.Free _, Leaf _ -> false;
    };
  }

  private static String kind(Shape.Choice choice, Node.Mapping map) {
    Node.Entry entry = map.entries().get("kind");
    return entry != null && entry.value() instanceof Node.Scalar scalar
        ? scalar.text()
        : choice.fallback();
  }

  /// The map with the whole value at a path replaced; what is no map on the way to it becomes one.
  static Node.Mapping set(Node.Mapping map, List<String> path, Node value) {
    String key = path.getFirst();
    Node.Entry below = map.entries().get(key);
    if (path.size() == 1) {
      return map.with(key, new Node.Entry(value.place(), value));
    }
    if (below != null && below.value() instanceof Node.Sequence list) {
      Node changed = set(list, path.subList(1, path.size()), value);
      return map.with(key, new Node.Entry(below.keyPlace(), changed));
    }
    Node.Mapping inner =
        below != null && below.value() instanceof Node.Mapping mapping
            ? mapping
            : Node.Mapping.empty(value.place());
    Node changed = set(inner, path.subList(1, path.size()), value);
    return map.with(key, new Node.Entry(below == null ? value.place() : below.keyPlace(), changed));
  }

  /// Why there is no place for a value: the list on the way to it is shorter by more than one.
  static Optional<String> findGap(Node.Mapping root, KeyPath path) {
    Node at = root;
    KeyPath passed = KeyPath.ROOT;
    for (String segment : path.segments()) {
      if (at instanceof Node.Sequence(Place _, List<Node> items)) {
        int index = Integer.parseInt(segment);
        if (index > items.size()) {
          return Optional.of(
              "there is no %s: %s has %d, counted from 0; %s would add one"
                  .formatted(
                      passed.child(segment),
                      passed,
                      items.size(),
                      passed.child(String.valueOf(items.size()))));
        }
        if (index == items.size()) {
          return Optional.empty();
        }
        at = items.get(index);
      } else if (at instanceof Node.Mapping map && map.entries().get(segment) != null) {
        at = Objects.requireNonNull(map.entries().get(segment)).value();
      } else {
        return Optional.empty();
      }
      passed = passed.child(segment);
    }
    return Optional.empty();
  }

  /// A list with one of its maps, or a value in it, replaced; the index of its end adds a map.
  private static Node set(Node.Sequence list, List<String> path, Node value) {
    List<Node> items = new ArrayList<>(list.items());
    int index = Math.min(Integer.parseInt(path.getFirst()), items.size());
    if (index == items.size()) {
      items.add(Node.Mapping.empty(value.place()));
    }
    Node.Mapping inner =
        items.get(index) instanceof Node.Mapping map ? map : Node.Mapping.empty(value.place());
    items.set(index, path.size() == 1 ? value : set(inner, path.subList(1, path.size()), value));
    return new Node.Sequence(list.place(), items);
  }
}
