package dev.upcycle.recipe;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;

/// What may stand at a key of a recipe.
sealed interface Shape
    permits Leaf,
        Shape.Section,
        Shape.Choice,
        Shape.Layers,
        Shape.Items,
        Shape.Numbers,
        Shape.Free {
  /// The keys that may stand below, in the order of the flat file.
  default List<Key> keys() {
    return List.of();
  }

  /// What may stand at a key below.
  default Optional<Shape> child(String name) {
    return keys().stream().filter(key -> key.name().equals(name)).map(Key::shape).findFirst();
  }

  /// The names of the keys below.
  default List<String> names() {
    return keys().stream().map(Key::name).toList();
  }

  /// A map with fixed keys.
  record Section(List<Key> keys) implements Shape {
    public Section {
      keys = List.copyOf(keys);
    }
  }

  /// A map of which the key `kind` says which further keys apply.
  ///
  /// @param kinds the keys of each kind
  /// @param fallback the kind where none is given
  record Choice(SequencedMap<String, List<Key>> kinds, String fallback) implements Shape {
    @Override
    public List<Key> keys() {
      List<Key> keys = new ArrayList<>();
      keys.add(Key.withDefault("kind", new Leaf.Word(List.copyOf(kinds.keySet())), fallback));
      for (Key key : kinds.values().stream().flatMap(List::stream).toList()) {
        if (keys.stream().noneMatch(known -> known.name().equals(key.name()))) {
          keys.add(key);
        }
      }
      return keys;
    }

    List<String> namesOf(String kind) {
      return kinds.getOrDefault(kind, List.of()).stream().map(Key::name).toList();
    }
  }

  /// Which layers: a word, a list, or a map of one form.
  record Layers() implements Shape {
    static final String ALL = "all";
    static final List<String> FORMS = List.of("every", "last", "except_last", "range");
    private static final Leaf COUNT = new Leaf.Whole(1, Integer.MAX_VALUE);

    @Override
    public List<Key> keys() {
      return List.of(
          Key.of("every", COUNT, Key.Absence.LEFT_OUT),
          Key.withDefault("offset", new Leaf.Whole(0, Integer.MAX_VALUE), 0L),
          Key.of("last", COUNT, Key.Absence.LEFT_OUT),
          Key.of("except_last", COUNT, Key.Absence.LEFT_OUT),
          Key.of("range", new Leaf.Span(), Key.Absence.LEFT_OUT));
    }

    static String expected() {
      return "all, {every: 2, offset: 1}, {last: 8}, {except_last: 1}, {range: [8, 24]} or [0, 4,"
          + " 8]";
    }
  }

  /// A list of maps with fixed keys, none empty; in a key path an item stands by its index.
  ///
  /// @param item what each is
  /// @param title the key by which they differ
  record Items(Section item, String title) implements Shape {
    /// What stands for any index where keys are listed.
    static final String ANY = "*";

    @Override
    public List<Key> keys() {
      return List.of(Key.of(ANY, item, Key.Absence.REFUSED));
    }

    @Override
    public Optional<Shape> child(String name) {
      return name.matches("[0-9]{1,6}") ? Optional.of(item) : Optional.empty();
    }
  }

  /// A map from texts of the user's choice to numbers.
  ///
  /// @param number what each is
  record Numbers(Leaf number) implements Shape {
    @Override
    public Optional<Shape> child(String name) {
      return Optional.of(number);
    }
  }

  /// A map with keys of the user's choice.
  record Free() implements Shape {
    @Override
    public Optional<Shape> child(String name) {
      return Optional.of(this);
    }
  }
}
