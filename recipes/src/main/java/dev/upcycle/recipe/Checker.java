package dev.upcycle.recipe;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/// Holds a merged recipe against the [Format]: fills in defaults, collects complaints.
final class Checker {
  private final List<Complaint> complaints;
  private final Leaves leaves = new Leaves();

  private Checker(List<Complaint> complaints) {
    this.complaints = complaints;
  }

  /// The values of a recipe; whole only where no complaint was added.
  static Leaves check(Node.Mapping root, List<Complaint> complaints) {
    Checker checker = new Checker(complaints);
    checker.check(KeyPath.ROOT, Format.ROOT, root);
    return checker.leaves;
  }

  private void check(KeyPath path, Shape shape, Node node) {
    if (holdsRefused(node)) {
      return;
    }
    switch (shape) {
      case Shape.Section section -> section(path, section, node);
      case Shape.Choice choice -> choice(path, choice, node);
      case Shape.Layers layers -> layers(path, layers, node);
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
      mismatch(path, node, "a map with the keys " + String.join(", ", section.names()));
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
      case Leaf.FilePath path -> "expected " + path.expected();
      case Shape _ ->
          "every recipe begins with the version of its format, `recipe: " + Format.VERSION + "`";
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

  private static String unknown(String name, List<String> known) {
    Optional<String> near = NearestName.of(name, known);
    if (near.isPresent()) {
      return "unknown key; did you mean " + near.get() + "?";
    }
    String elsewhere =
        Format.paths().stream()
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
        .ifPresent(kind -> {
          inapplicable(path, choice, map, kind);
          keys(path, choice.kinds().getOrDefault(kind, List.of()), map);
        });
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
      mismatch(path, node, "a map of keys of the target's config.json");
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
