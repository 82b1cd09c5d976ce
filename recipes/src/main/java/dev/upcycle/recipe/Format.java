package dev.upcycle.recipe;

import static dev.upcycle.recipe.Key.Absence.FILLED;
import static dev.upcycle.recipe.Key.Absence.LEFT_OUT;
import static dev.upcycle.recipe.Key.Absence.REFUSED;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// The one table of keys, their types and their defaults; a test holds the JSON Schema and the
/// documentation against it.
final class Format {
  /// The version of the format that this reader knows.
  static final long VERSION = 1;

  /// More experts than any published model has in a layer; a bound, so that a slip of the keyboard
  /// does not become a plan of a billion tensors.
  static final long MOST_EXPERTS = 65_536;

  static final String AUTO = "auto";

  static final Leaf NAME =
      new Leaf.Text(
          Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,95}"),
          "a text of letters, digits, dots, dashes and underscores, 96 at most, that begins with a"
              + " letter or digit");
  private static final Leaf REFERENCE =
      new Leaf.Text(Pattern.compile("\\S(.*\\S)?"), "a shipped recipe's name or a file's path");

  private static final Shape EXPERTS =
      new Shape.Section(
          List.of(
              Key.withDefault("count", new Leaf.Whole(1, MOST_EXPERTS), 8L),
              Key.withDefault("per_token", new Leaf.Whole(1, MOST_EXPERTS), 2L),
              Key.of(
                  "init",
                  new Shape.Choice(kinds(List.of(new Kind("copy", List.of()))), "copy"),
                  FILLED)));

  private static final Shape ROUTER_INIT =
      new Shape.Choice(
          kinds(
              List.of(
                  new Kind("zero", List.of()),
                  new Kind("normal", List.of(Key.withDefault("std", new Leaf.Positive(), 0.02))),
                  new Kind("uniform", List.of(Key.withDefault("bound", new Leaf.Positive(), 0.02))),
                  new Kind("file", List.of(Key.of("path", new Leaf.FilePath(), REFUSED))),
                  new Kind("torch_linear", List.of()))),
          "normal");

  private static final Key LAYERS =
      new Key("layers", new Shape.Layers(), Optional.of(Shape.Layers.ALL), FILLED);

  private static final Key ROUTER =
      Key.of(
          "router",
          new Shape.Choice(
              kinds(List.of(new Kind("top_k", List.of(Key.of("init", ROUTER_INIT, FILLED))))),
              "top_k"),
          FILLED);

  private static final Shape COMPONENT =
      new Shape.Section(List.of(LAYERS, Key.of("experts", EXPERTS, FILLED), ROUTER));

  /// More than any published pyramid has; 9 tiles at scale 3, 1024 at scale 32.
  private static final long MOST_SCALE = 32;

  private static final Shape VISION =
      new Shape.Section(
          List.of(
              LAYERS,
              Key.withDefault("scales", new Leaf.Scales(MOST_SCALE), List.of(1L)),
              Key.of("experts", EXPERTS, FILLED),
              ROUTER));

  /// A connector is one network, so there are no layers to choose.
  private static final Shape CONNECTOR =
      new Shape.Section(List.of(Key.of("experts", EXPERTS, FILLED), ROUTER));

  private static final Shape SOURCE =
      new Shape.Section(
          List.of(
              Key.of(
                  "language", families("mistral", "llama", "clip_text", "siglip_text"), LEFT_OUT),
              Key.of("vision", families("clip", "siglip", "vit"), LEFT_OUT),
              Key.of("connector", families("mlp"), LEFT_OUT)));

  private static final Shape OUTPUT =
      new Shape.Section(
          List.of(
              Key.withDefault(
                  "dtype", new Leaf.Word(List.of("source", "f32", "bf16", "f16")), "source"),
              Key.withDefault("max_shard_size", new Leaf.Bytes(), "5GB"),
              Key.of("config", new Shape.Free(), FILLED)));

  /// What a result can be called.
  static final List<String> TARGETS =
      List.of("mixtral", "llava", "llava_moe", "cumo", "openai_clip_moe");

  /// The whole recipe.
  static final Shape ROOT =
      new Shape.Section(
          List.of(
              Key.of("recipe", new Leaf.Whole(VERSION, VERSION), REFUSED),
              Key.of("extends", REFERENCE, LEFT_OUT),
              Key.withDefault("name", NAME, "unnamed"),
              Key.of("source", SOURCE, FILLED),
              Key.withDefault(
                  "target",
                  new Leaf.Word(Stream.concat(TARGETS.stream(), Stream.of(AUTO)).toList()),
                  AUTO),
              Key.withDefault("seed", new Leaf.Whole(Long.MIN_VALUE, Long.MAX_VALUE), 42L),
              Key.of("language", COMPONENT, LEFT_OUT),
              Key.of("vision", VISION, LEFT_OUT),
              Key.of("connector", CONNECTOR, LEFT_OUT),
              Key.of("train", TrainFormat.TRAIN, LEFT_OUT),
              Key.of("output", OUTPUT, FILLED)));

  private Format() {}

  private static Leaf families(String... names) {
    return new Leaf.Words(Stream.concat(Stream.of(names), Stream.of(AUTO)).toList(), AUTO);
  }

  static SequencedMap<String, List<Key>> kinds(List<Kind> kinds) {
    SequencedMap<String, List<Key>> byName = new LinkedHashMap<>();
    kinds.forEach(kind -> byName.put(kind.name(), kind.keys()));
    return byName;
  }

  /// What may stand at a path; empty where nothing may.
  static Optional<Shape> find(KeyPath path) {
    Optional<Shape> shape = Optional.of(ROOT);
    for (String segment : path.segments()) {
      shape = shape.flatMap(s -> s.child(segment));
    }
    return shape;
  }

  /// The path of every key that the format knows, parents before children.
  static List<String> paths() {
    return List.copyOf(keys().keySet());
  }

  /// The default of every key that has one of its own, by path.
  static SequencedMap<String, Object> defaults() {
    SequencedMap<String, Object> defaults = new LinkedHashMap<>();
    keys().forEach((path, key) -> key.fallback().ifPresent(value -> defaults.put(path, value)));
    return defaults;
  }

  /// Every key that the format knows by path, parents before children.
  static SequencedMap<String, Key> keys() {
    SequencedMap<String, Key> keys = new LinkedHashMap<>();
    collect(KeyPath.ROOT, ROOT, keys);
    return keys;
  }

  private static void collect(KeyPath path, Shape shape, SequencedMap<String, Key> keys) {
    for (Key key : shape.keys()) {
      KeyPath child = path.child(key.name());
      keys.put(child.toString(), key);
      collect(child, key.shape(), keys);
    }
  }

  /// One kind of a choice, and the keys that apply to it.
  record Kind(String name, List<Key> keys) {}
}
