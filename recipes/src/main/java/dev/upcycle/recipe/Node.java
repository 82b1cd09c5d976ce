package dev.upcycle.recipe;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/// A piece of YAML that remembers where it was written.
sealed interface Node {
  Place place();

  /// How a complaint names what was found.
  String shown();

  /// Without places: null, a Boolean, a String, a Long, a BigInteger, a Double, or an unmodifiable
  /// list or map of such.
  @Nullable Object plain();

  /// A default's value: a scalar, or a list of such.
  static Node ofDefault(Object value) {
    return value instanceof List<?> items
        ? new Sequence(Place.DEFAULT, items.stream().map(Node::ofDefault).toList())
        : Scalar.of(value);
  }

  /// A map; keys keep their order.
  record Mapping(Place place, SequencedMap<String, Entry> entries) implements Node {
    static Mapping empty(Place place) {
      return new Mapping(place, new LinkedHashMap<>());
    }

    @Override
    public String shown() {
      return entries.isEmpty() ? "an empty map" : "a map";
    }

    @Override
    public Object plain() {
      return plainMap();
    }

    /// Like [#plain()].
    Map<String, @Nullable Object> plainMap() {
      Map<String, @Nullable Object> values = new LinkedHashMap<>();
      entries.forEach((name, entry) -> values.put(name, entry.value().plain()));
      return Collections.unmodifiableMap(values);
    }

    /// This map with one entry more, or another in its place.
    Mapping with(String key, Entry entry) {
      SequencedMap<String, Entry> changed = new LinkedHashMap<>(entries);
      changed.put(key, entry);
      return new Mapping(place, changed);
    }

    /// This map without a key.
    Mapping without(String key) {
      SequencedMap<String, Entry> changed = new LinkedHashMap<>(entries);
      changed.remove(key);
      return new Mapping(place, changed);
    }
  }

  /// A value and where its key stands.
  record Entry(Place keyPlace, Node value) {}

  /// A list.
  record Sequence(Place place, List<Node> items) implements Node {
    @Override
    public String shown() {
      return items.isEmpty() ? "an empty list" : "the list " + YamlText.of(plain());
    }

    @Override
    public Object plain() {
      List<@Nullable Object> values = new ArrayList<>();
      items.forEach(item -> values.add(item.plain()));
      return Collections.unmodifiableList(values);
    }
  }

  /// One value.
  ///
  /// @param value null, a Boolean, a String, a Long, a BigInteger or a Double
  /// @param text as written, without quotes
  record Scalar(Place place, @Nullable Object value, String text) implements Node {
    private static final int LONGEST_SHOWN = 60;

    /// A default's value.
    static Scalar of(Object value) {
      return new Scalar(Place.DEFAULT, value, value.toString());
    }

    @Override
    public @Nullable Object plain() {
      return value;
    }

    /// True for a text that is one of these words.
    boolean isOneOf(List<String> words) {
      return value instanceof String word && words.contains(word);
    }

    @Override
    public String shown() {
      if (value == null) {
        return text.isEmpty() ? "nothing" : "null";
      }
      String line = text.replace('\n', ' ');
      String cut =
          line.length() <= LONGEST_SHOWN ? line : line.substring(0, LONGEST_SHOWN - 1) + "…";
      boolean looksLikeAnotherType =
          value instanceof String && (cut.isBlank() || !YamlText.isPlain(text));
      return looksLikeAnotherType ? "the text \"" + cut + "\"" : cut;
    }
  }

  /// Something that was already complained about, so nobody complains about it again.
  record Refused(Place place) implements Node {
    @Override
    public String shown() {
      return "a refused value";
    }

    @Override
    public @Nullable Object plain() {
      return null;
    }
  }
}
