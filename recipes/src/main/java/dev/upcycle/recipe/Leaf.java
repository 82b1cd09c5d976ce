package dev.upcycle.recipe;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/// The type of one value of a recipe: which YAML it takes, and what it is then.
sealed interface Leaf extends Shape {
  /// The value; empty where the node is of another type or out of range.
  Optional<Object> read(Node node);

  /// What would have been right, for complaints.
  String expected();

  /// More help for a wrong value, beginning with `; `, or nothing.
  default String hint(Node node) {
    return "";
  }

  /// The value as YAML on one line.
  default String write(Object value) {
    return YamlText.of(value);
  }

  /// One of a few words.
  record Word(List<String> allowed) implements Leaf {
    public Word {
      allowed = List.copyOf(allowed);
    }

    @Override
    public Optional<Object> read(Node node) {
      return node instanceof Node.Scalar scalar && scalar.isOneOf(allowed)
          ? Optional.of(scalar.text())
          : Optional.empty();
    }

    @Override
    public String expected() {
      return allowed.size() == 1 ? allowed.getFirst() : "one of " + String.join(", ", allowed);
    }

    @Override
    public String hint(Node node) {
      return node instanceof Node.Scalar scalar ? NearestName.hint(scalar.text(), allowed) : "";
    }
  }

  /// A word, or a list of different words of which none is the one that stands alone.
  record Words(List<String> allowed, String alone) implements Leaf {
    public Words {
      allowed = List.copyOf(allowed);
    }

    @Override
    public Optional<Object> read(Node node) {
      List<Node> nodes = node instanceof Node.Sequence sequence ? sequence.items() : List.of(node);
      List<String> words = new ArrayList<>();
      for (Node item : nodes) {
        if (!(item instanceof Node.Scalar scalar && scalar.isOneOf(allowed))) {
          return Optional.empty();
        }
        words.add(scalar.text());
      }
      boolean mixed = node instanceof Node.Sequence && words.contains(alone);
      boolean distinct = new HashSet<>(words).size() == words.size();
      return words.isEmpty() || mixed || !distinct ? Optional.empty() : Optional.of(words);
    }

    @Override
    public String expected() {
      List<String> others = allowed.stream().filter(word -> !word.equals(alone)).toList();
      return "one of "
          + String.join(", ", allowed)
          + ", or a list of different ones of "
          + String.join(", ", others);
    }

    @Override
    public String hint(Node node) {
      List<Node> nodes = node instanceof Node.Sequence sequence ? sequence.items() : List.of(node);
      return nodes.stream()
          .filter(item -> item instanceof Node.Scalar s && !s.isOneOf(allowed))
          .map(item -> NearestName.hint(((Node.Scalar) item).text(), allowed))
          .findFirst()
          .orElse("");
    }

    @Override
    public String write(Object value) {
      List<?> words = (List<?>) value;
      return YamlText.of(words.size() == 1 ? words.getFirst() : words);
    }
  }

  /// A text of a given form.
  record Text(Pattern form, String expected) implements Leaf {
    @Override
    public Optional<Object> read(Node node) {
      return node instanceof Node.Scalar(Place _, String text, String _)
              && form.matcher(text).matches()
          ? Optional.of(text)
          : Optional.empty();
    }

    @Override
    public String hint(Node node) {
      boolean bare = node instanceof Node.Scalar s && s.value() != null && !isText(s);
      return bare ? "; put it in quotes" : "";
    }

    private static boolean isText(Node.Scalar scalar) {
      return scalar.value() instanceof String;
    }
  }

  /// The path of a file, absolute once [RelativePaths] has seen it.
  record FilePath() implements Leaf {
    @Override
    public Optional<Object> read(Node node) {
      return node instanceof Node.Scalar scalar && scalar.value() instanceof String text
          ? path(text).filter(Path::isAbsolute).map(path -> path)
          : Optional.empty();
    }

    static Optional<Path> path(String text) {
      try {
        return text.isBlank() ? Optional.empty() : Optional.of(Path.of(text));
      } catch (InvalidPathException e) {
        return Optional.empty();
      }
    }

    @Override
    public String expected() {
      return "the path of a file, absolute or relative to the recipe file that names it";
    }

    @Override
    public String write(Object value) {
      return YamlText.of(value.toString());
    }
  }

  /// The path of a file, or a list of paths of files whose own names differ.
  record FilePaths() implements Leaf {
    static final FilePath EACH = new FilePath();

    @Override
    public Optional<Object> read(Node node) {
      List<Node> nodes = node instanceof Node.Sequence sequence ? sequence.items() : List.of(node);
      List<Path> paths =
          nodes.stream().flatMap(item -> EACH.read(item).stream()).map(Path.class::cast).toList();
      long names = paths.stream().map(Path::getFileName).distinct().count();
      return !paths.isEmpty() && paths.size() == nodes.size() && names == nodes.size()
          ? Optional.of(paths)
          : Optional.empty();
    }

    @Override
    public String expected() {
      return EACH.expected() + ", or a list of paths of files with different names";
    }

    @Override
    public String write(Object value) {
      List<String> paths = ((List<?>) value).stream().map(String::valueOf).toList();
      return YamlText.of(paths.size() == 1 ? paths.getFirst() : paths);
    }
  }

  /// An integer in a range, both ends included.
  record Whole(long min, long max) implements Leaf {
    @Override
    public Optional<Object> read(Node node) {
      return node instanceof Node.Scalar scalar
              && scalar.value() instanceof Long value
              && value >= min
              && value <= max
          ? Optional.of(value)
          : Optional.empty();
    }

    @Override
    public String expected() {
      return min == max ? String.valueOf(min) : "an integer from " + min + " to " + max;
    }

    @Override
    public String hint(Node node) {
      return node instanceof Node.Scalar s
              && s.value() instanceof String text
              && text.matches("-?[0-9]{1,18}")
          ? "; drop the quotes"
          : "";
    }
  }

  /// A finite number above zero.
  record Positive() implements Leaf {
    @Override
    public Optional<Object> read(Node node) {
      if (!(node instanceof Node.Scalar scalar
          && scalar.value() instanceof Number number
          && number.doubleValue() > 0
          && Double.isFinite(number.doubleValue()))) {
        return Optional.empty();
      }
      return Optional.of(number.doubleValue());
    }

    @Override
    public String expected() {
      return "a finite number above 0";
    }
  }

  /// A number of bytes.
  record Bytes() implements Leaf {
    @Override
    public Optional<Object> read(Node node) {
      return switch (node) {
        case Node.Scalar(Place _, Long bytes, String _) when bytes > 0 -> Optional.of(bytes);
        case Node.Scalar(Place _, String text, String _) ->
            ByteSize.parse(text).map(bytes -> (Object) bytes);
        case Node.Scalar _, Node.Mapping _, Node.Sequence _, Node.Refused _ -> Optional.empty();
      };
    }

    @Override
    public String expected() {
      return "a size above 0 in bytes, such as 5GB (10⁹), 5GiB (2³⁰) or a plain integer; units B,"
          + " KB, MB, GB, TB, KiB, MiB, GiB, TiB; below 2⁶³";
    }

    @Override
    public String write(Object value) {
      return ByteSize.format((Long) value);
    }
  }

  /// Two integers `[from, to]`, `0 ≤ from < to`.
  record Span() implements Leaf {
    @Override
    public Optional<Object> read(Node node) {
      return new Indices()
          .read(node)
          .filter(value -> value instanceof List<?> list && isSpan(list));
    }

    private static boolean isSpan(List<?> list) {
      return list.size() == 2 && (Long) list.get(0) < (Long) list.get(1);
    }

    @Override
    public String expected() {
      return "[from, to] with 0 ≤ from < to, to not included";
    }
  }

  /// A list of different factors of which the first is 1.
  record Scales(long most) implements Leaf {
    @Override
    public Optional<Object> read(Node node) {
      if (!(node instanceof Node.Sequence sequence)) {
        return Optional.empty();
      }
      Whole factor = new Whole(1, most);
      List<Object> scales =
          sequence.items().stream().flatMap(item -> factor.read(item).stream()).toList();
      boolean complete = scales.size() == sequence.items().size();
      boolean first = !scales.isEmpty() && scales.getFirst().equals(1L);
      boolean distinct = new HashSet<>(scales).size() == scales.size();
      return complete && first && distinct ? Optional.of(scales) : Optional.empty();
    }

    @Override
    public String expected() {
      return "a list of different whole numbers from 1 to %d of which the first is 1, such as [1, 3]"
          .formatted(most);
    }
  }

  /// A list of different layer numbers.
  record Indices() implements Leaf {
    private static final Whole INDEX = new Whole(0, Integer.MAX_VALUE);

    @Override
    public Optional<Object> read(Node node) {
      if (!(node instanceof Node.Sequence sequence)) {
        return Optional.empty();
      }
      List<Object> indices =
          sequence.items().stream().flatMap(item -> INDEX.read(item).stream()).toList();
      boolean complete = indices.size() == sequence.items().size() && !indices.isEmpty();
      boolean distinct = new HashSet<>(indices).size() == indices.size();
      return complete && distinct ? Optional.of(indices) : Optional.empty();
    }

    @Override
    public String expected() {
      return "a list of different layer numbers from 0, such as [0, 4, 8]";
    }
  }

  /// A finite number in a range.
  ///
  /// @param below true where the upper end itself is refused
  record Ranged(double min, double max, boolean below) implements Leaf {
    /// From 0, without end.
    static Ranged notNegative() {
      return new Ranged(0, Double.POSITIVE_INFINITY, true);
    }

    /// From 0 to 1, both included.
    static Ranged share() {
      return new Ranged(0, 1, false);
    }

    @Override
    public Optional<Object> read(Node node) {
      return node instanceof Node.Scalar scalar && scalar.value() instanceof Number number
          ? Optional.of(number.doubleValue()).filter(this::holds).map(value -> value)
          : Optional.empty();
    }

    private boolean holds(double value) {
      return value >= min && (below ? value < max : value <= max);
    }

    @Override
    public String expected() {
      return Double.isInfinite(max)
          ? "a finite number, 0 or above"
          : "a number from 0 to 1" + (below ? ", 1 not included" : "");
    }
  }

  /// A word, or a number above zero.
  record WordOrNumber(String word) implements Leaf {
    private static final Positive NUMBER = new Positive();

    @Override
    public Optional<Object> read(Node node) {
      return node instanceof Node.Scalar scalar && scalar.isOneOf(List.of(word))
          ? Optional.of(word)
          : NUMBER.read(node);
    }

    @Override
    public String expected() {
      return word + ", or " + NUMBER.expected();
    }
  }

  /// A list of so many numbers.
  record Several(Leaf each, int count) implements Leaf {
    @Override
    public Optional<Object> read(Node node) {
      if (!(node instanceof Node.Sequence sequence) || sequence.items().size() != count) {
        return Optional.empty();
      }
      List<Object> values =
          sequence.items().stream().flatMap(item -> each.read(item).stream()).toList();
      return values.size() == count ? Optional.of(values) : Optional.empty();
    }

    @Override
    public String expected() {
      return "a list of " + count + ", each " + each.expected();
    }
  }

  /// A list of different texts, which may be empty.
  record Texts() implements Leaf {
    @Override
    public Optional<Object> read(Node node) {
      if (!(node instanceof Node.Sequence sequence)) {
        return Optional.empty();
      }
      List<String> texts = new ArrayList<>();
      for (Node item : sequence.items()) {
        if (!(item instanceof Node.Scalar(Place _, String text, String _)) || text.isBlank()) {
          return Optional.empty();
        }
        texts.add(text);
      }
      return new HashSet<>(texts).size() == texts.size() ? Optional.of(texts) : Optional.empty();
    }

    @Override
    public String expected() {
      return "a list of different texts, such as [\"*.bias\", \"*norm*\"]";
    }
  }
}
