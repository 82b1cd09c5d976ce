package dev.upcycle.recipe;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/// Holds a merged recipe against the [Format]: fills in defaults, collects complaints.
final class Checker {
  private final List<Complaint> complaints;
  private final Extent extent;
  private final Leaves leaves = new Leaves();
  private final List<String> paths = Format.paths();

  private Checker(List<Complaint> complaints, Extent extent) {
    this.complaints = complaints;
    this.extent = extent;
  }

  /// How much is there to check.
  private enum Extent {
    /// Everything: an absent key has its default or is missing.
    WHOLE,
    /// Values for something else to take, which may say little.
    PART
  }

  /// The values of a recipe; whole only where no complaint was added.
  static Leaves check(Node.Mapping root, List<Complaint> complaints) {
    Checker checker = new Checker(complaints, Extent.WHOLE);
    checker.check(KeyPath.ROOT, Format.ROOT, root);
    return checker.leaves;
  }

  /// Complains about what is wrong in a map of which any key may be absent.
  static void checkPart(KeyPath path, Shape shape, Node node, List<Complaint> complaints) {
    new Checker(complaints, Extent.PART).check(path, shape, node);
  }

  private void check(KeyPath path, Shape shape, Node node) {
    if (holdsRefused(node)) {
      return;
    }
    switch (shape) {
      case Shape.Section section -> section(path, section, node);
      case Shape.Choice choice -> choice(path, choice, node);
      case Shape.Layers layers -> layers(path, layers, node);
      case Shape.Items items -> items(path, items, node);
      case Shape.Numbers numbers -> numbers(path, numbers, node);
      case Shape.Free _ -> free(path, node);
      case Leaf leaf -> leaf(path, leaf, node);
    }
  }

  private static boolean holdsRefused(Node node) {
    return switch (node) {
      case Node.Refused _ -> true;
      case Node.Sequence list -> list.items().stream().anyMatch(Checker::holdsRefused);
      case Node.Mapping _, Node.Scalar _ -> false;
    };
  }

  private void leaf(KeyPath path, Leaf leaf, Node node) {
    Optional<Object> value = leaf.read(node);
    if (value.isPresent()) {
      put(path, leaf, value.get(), node.place());
    } else {
      mismatch(path, node, leaf.expected() + leaf.hint(node));
    }
  }

  private void put(KeyPath path, Leaf leaf, Object value, Place place) {
    leaves.put(path, new Leaves.Value(value, leaf.write(value), place));
  }

  private void section(KeyPath path, Shape.Section section, Node node) {
    if (!(node instanceof Node.Mapping map)) {
      mismatch(path, node, expected(section));
      return;
    }
    unknownKeys(path, section.names(), map);
    keys(path, section.keys(), map);
    if (section.names().contains("per_token")) {
      perToken(path);
    }
  }

  private void keys(KeyPath path, List<Key> keys, Node.Mapping map) {
    for (Key key : keys) {
      KeyPath child = path.child(key.name());
      Node.Entry entry = map.entries().get(key.name());
      if (entry != null) {
        check(child, key.shape(), entry.value());
      } else {
        absent(child, key, map.place());
      }
    }
  }

  private void absent(KeyPath path, Key key, Place parent) {
    if (extent == Extent.PART) {
      return;
    }
    switch (key.absence()) {
      case FILLED ->
          check(
              path,
              key.shape(),
              key.fallback()
                  .map(Node::ofDefault)
                  .orElseGet(() -> Node.Mapping.empty(Place.DEFAULT)));
      case LEFT_OUT -> {}
      case REFUSED -> complain(parent, path, "missing; " + needed(key));
    }
  }

  private static String needed(Key key) {
    return switch (key.shape()) {
      case Leaf.Whole _ ->
          "every recipe begins with the version of its format, `recipe: " + Format.VERSION + "`";
      case Leaf leaf -> "expected " + leaf.expected();
      case Shape shape -> "expected " + expected(shape);
    };
  }

  private static String expected(Shape shape) {
    return switch (shape) {
      case Leaf leaf -> leaf.expected();
      case Shape.Numbers numbers ->
          "a map that is not empty, such as {all: 1.0e-5}, each value "
              + numbers.number().expected();
      case Shape.Items items ->
          "a list of maps that is not empty, each with the keys "
              + String.join(", ", items.item().names());
      case Shape.Section section -> "a map with the keys " + String.join(", ", section.names());
      case Shape.Choice choice -> "a map, always, such as {kind: " + choice.fallback() + "}";
      case Shape.Layers _ -> Shape.Layers.expected();
      case Shape.Free _ -> "a map of keys of the target's config.json";
    };
  }

  private void unknownKeys(KeyPath path, List<String> known, Node.Mapping map) {
    map.entries()
        .forEach((name, entry) -> {
          if (!known.contains(name)) {
            complain(entry.keyPlace(), path.child(name), unknown(name, known));
          }
        });
  }

  private String unknown(String name, List<String> known) {
    Optional<String> near = NearestName.of(name, known);
    if (near.isPresent()) {
      return "unknown key; did you mean " + near.get() + "?";
    }
    String elsewhere =
        paths.stream()
            .filter(path -> path.endsWith("." + name) || path.equals(name))
            .collect(Collectors.joining(" or "));
    return elsewhere.isEmpty()
        ? "unknown key; known here: " + String.join(", ", known)
        : "unknown key here; it stands at " + elsewhere;
  }

  private void choice(KeyPath path, Shape.Choice choice, Node node) {
    if (!(node instanceof Node.Mapping map)) {
      mismatch(path, node, "a map, always, such as {kind: " + kindFor(choice, node) + "}");
      return;
    }
    Node.Entry entry = map.entries().get("kind");
    Node kindNode = entry == null ? Node.Scalar.of(choice.fallback()) : entry.value();
    KeyPath kindPath = path.child("kind");
    check(kindPath, new Leaf.Word(List.copyOf(choice.kinds().keySet())), kindNode);
    unknownKeys(path, choice.names(), map);
    leaves
        .find(kindPath)
        .map(Leaves.Value::yaml)
        .ifPresentOrElse(
            kind -> {
              inapplicable(path, choice, map, kind);
              keys(path, choice.kinds().getOrDefault(kind, List.of()), map);
            },
            () -> given(path, choice, map));
  }

  /// Where the kind is not known, what is there is held against what any kind takes.
  private void given(KeyPath path, Shape.Choice choice, Node.Mapping map) {
    for (Key key : choice.keys()) {
      Node.Entry entry = map.entries().get(key.name());
      if (entry != null && !key.name().equals("kind")) {
        check(path.child(key.name()), key.shape(), entry.value());
      }
    }
  }

  private static String kindFor(Shape.Choice choice, Node node) {
    return node instanceof Node.Scalar scalar
        ? NearestName.of(scalar.text(), choice.kinds().keySet()).orElse(choice.fallback())
        : choice.fallback();
  }

  private void inapplicable(KeyPath path, Shape.Choice choice, Node.Mapping map, String kind) {
    map.entries()
        .forEach((name, entry) -> {
          boolean elsewhere =
              choice.names().contains(name)
                  && !name.equals("kind")
                  && !choice.namesOf(kind).contains(name);
          if (elsewhere) {
            String owners =
                choice.kinds().keySet().stream()
                    .filter(other -> choice.namesOf(other).contains(name))
                    .collect(Collectors.joining(" or "));
            complain(
                entry.keyPlace(),
                path.child(name),
                ("does not apply to kind %s, only to %s; drop it, or replace the whole map:"
                        + " %s={kind: %s}")
                    .formatted(kind, owners, path, kind));
          }
        });
  }

  private void items(KeyPath path, Shape.Items shape, Node node) {
    if (!(node instanceof Node.Sequence list) || list.items().isEmpty()) {
      mismatch(path, node, expected(shape));
      return;
    }
    leaves.putList(path);
    Set<String> titles = new HashSet<>();
    for (int index = 0; index < list.items().size(); index++) {
      KeyPath item = path.child(String.valueOf(index));
      check(item, shape.item(), list.items().get(index));
      leaves
          .find(item.child(shape.title()))
          .filter(title -> !titles.add(title.yaml()))
          .ifPresent(title ->
              complain(
                  title.place(),
                  item.child(shape.title()),
                  "found " + title.yaml() + " a second time; expected another"));
    }
  }

  private void numbers(KeyPath path, Shape.Numbers shape, Node node) {
    if (!(node instanceof Node.Mapping map) || map.entries().isEmpty()) {
      mismatch(path, node, expected(shape));
      return;
    }
    map.entries().forEach((name, entry) -> check(path.child(name), shape.number(), entry.value()));
  }

  private void layers(KeyPath path, Shape.Layers shape, Node node) {
    switch (node) {
      case Node.Scalar scalar when Shape.Layers.ALL.equals(scalar.value()) ->
          put(path, new Leaf.Word(List.of(Shape.Layers.ALL)), Shape.Layers.ALL, node.place());
      case Node.Sequence _ -> leaf(path, new Leaf.Indices(), node);
      case Node.Mapping map -> layersForm(path, shape, map);
      case Node.Scalar _, Node.Refused _ -> mismatch(path, node, Shape.Layers.expected());
    }
  }

  private void layersForm(KeyPath path, Shape.Layers shape, Node.Mapping map) {
    unknownKeys(path, shape.names(), map);
    List<String> given = new ArrayList<>(Shape.Layers.FORMS);
    given.retainAll(map.entries().keySet());
    if (given.size() != 1) {
      String found = given.isEmpty() ? map.shown() : "a map with " + String.join(" and ", given);
      complain(
          map.place(), path, "found " + found + "; expected one form: " + Shape.Layers.expected());
      return;
    }
    boolean every = given.getFirst().equals("every");
    Node.Entry offset = map.entries().get("offset");
    if (!every && offset != null) {
      complain(
          offset.keyPlace(),
          path.child("offset"),
          "does not apply to " + given.getFirst() + ", only to every; drop it");
    }
    keys(
        path,
        shape.keys().stream()
            .filter(key -> given.contains(key.name()) || (every && key.name().equals("offset")))
            .toList(),
        map);
  }

  private void perToken(KeyPath experts) {
    Optional<Leaves.Value> count = leaves.find(experts.child("count"));
    Optional<Leaves.Value> perToken = leaves.find(experts.child("per_token"));
    if (count.isEmpty()
        || perToken.isEmpty()
        || (Long) perToken.get().value() <= (Long) count.get().value()) {
      return;
    }
    boolean byDefault = perToken.get().place().equals(Place.DEFAULT);
    Place place = byDefault ? count.get().place() : perToken.get().place();
    complain(
        place,
        experts.child("per_token"),
        "found %s (%s) of %s experts (%s); expected at most the count"
            .formatted(
                perToken.get().yaml(),
                perToken.get().place().origin().label(),
                count.get().yaml(),
                count.get().place().origin().label()));
  }

  private void free(KeyPath path, Node node) {
    if (!(node instanceof Node.Mapping map)) {
      mismatch(path, node, expected(new Shape.Free()));
      return;
    }
    finite(path, map);
    leaves.putFree(path, map.plainMap());
    freeLeaves(path, map);
  }

  private void freeLeaves(KeyPath path, Node.Mapping map) {
    if (map.entries().isEmpty()) {
      leaves.put(path, new Leaves.Value(Map.of(), "{}", map.place()));
    }
    map.entries()
        .forEach((name, entry) -> {
          KeyPath child = path.child(name);
          if (entry.value() instanceof Node.Mapping inner) {
            freeLeaves(child, inner);
          } else {
            String yaml = YamlText.of(entry.value().plain());
            leaves.put(child, new Leaves.Value(yaml, yaml, entry.value().place()));
          }
        });
  }

  private void finite(KeyPath path, Node node) {
    switch (node) {
      case Node.Scalar scalar -> {
        if (scalar.value() instanceof Double number && !Double.isFinite(number)) {
          mismatch(path, node, "a finite number, since JSON has no other");
        }
      }
      case Node.Sequence list -> list.items().forEach(item -> finite(path, item));
      case Node.Mapping map ->
          map.entries().forEach((name, entry) -> finite(path.child(name), entry.value()));
      case Node.Refused _ -> {}
    }
  }

  private void mismatch(KeyPath path, Node node, String expected) {
    complain(node.place(), path, "found " + node.shown() + "; expected " + expected);
  }

  private void complain(Place place, KeyPath path, String message) {
    complaints.add(place.complaint(path, message));
  }
}
