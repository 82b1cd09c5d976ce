package dev.upcycle.recipe;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.dataformat.yaml.YAMLFactory;
import tools.jackson.dataformat.yaml.YAMLParser;
import tools.jackson.dataformat.yaml.YAMLSchema;

/// Reads one YAML 1.2 document (core schema) into nodes with places.
///
/// Refuses what a recipe never needs and what readers disagree about: anchors, aliases, merge keys,
/// tags, duplicate keys, integers with leading zeros, several documents, control characters.
final class YamlReader {
  /// The longest recipe, in characters.
  static final int LONGEST_TEXT = 1 << 20;

  /// The deepest nesting of maps and lists, the outermost map included.
  static final int DEEPEST = 32;

  /// The longest key: YAML itself ends at 1,024 characters, escapes included.
  static final int LONGEST_KEY = 128;

  private static final Pattern LEADING_ZERO = Pattern.compile("[-+]?0[0-9]+");
  private static final Pattern POSITION = Pattern.compile("line (\\d+), column (\\d+)");

  private final Speaker speaker;
  private final YAMLParser parser;
  private final List<Complaint> complaints;
  private final int[] text;
  private final Set<Long> refused = new HashSet<>();

  private YamlReader(String yaml, Speaker speaker, YAMLParser parser, List<Complaint> complaints) {
    this.text = yaml.codePoints().toArray();
    this.speaker = speaker;
    this.parser = parser;
    this.complaints = complaints;
  }

  /// Reads a text; empty, after a complaint, where it is no YAML or holds nothing.
  static Optional<Node> read(String yaml, Speaker speaker, List<Complaint> complaints) {
    Optional<Complaint> unreadable = unreadable(yaml, speaker);
    if (unreadable.isPresent()) {
      complaints.add(unreadable.get());
      return Optional.empty();
    }
    try (YAMLParser parser = Factory.open(yaml)) {
      return new YamlReader(yaml, speaker, parser, complaints).document();
    }
  }

  private static Optional<Complaint> unreadable(String yaml, Speaker speaker) {
    if (yaml.length() > LONGEST_TEXT) {
      return Optional.of(
          speaker
              .at(1, 1)
              .complaint(
                  KeyPath.ROOT,
                  "found "
                      + yaml.length()
                      + " characters; expected a recipe of at most "
                      + LONGEST_TEXT));
    }
    int line = 1;
    int lineStart = 0;
    for (int i = 0; i < yaml.length(); i++) {
      char c = yaml.charAt(i);
      if (c == '\n') {
        line++;
        lineStart = i + 1;
      } else if (isForbidden(c)) {
        String message =
            "found the character U+%04X; expected printable text in UTF-8 without byte order mark"
                .formatted((int) c);
        return Optional.of(speaker.at(line, i - lineStart + 1).complaint(KeyPath.ROOT, message));
      }
    }
    return Optional.empty();
  }

  private static boolean isForbidden(char c) {
    boolean allowedControl = c == '\t' || c == '\r';
    return (Character.isISOControl(c) && !allowedControl) || c == '\uFEFF' || c == '\uFFFE';
  }

  private Complaint syntax(JacksonException e) {
    String message = e.getOriginalMessage();
    TokenStreamLocation location = parser.currentTokenLocation();
    int line = location.getLineNr();
    int column = location.getColumnNr();
    for (Matcher m = POSITION.matcher(message); m.find(); ) {
      line = Integer.parseInt(m.group(1));
      column = Integer.parseInt(m.group(2));
    }
    // The parser's message repeats the text and its position on indented lines.
    String essence =
        String.join(": ", message.lines().filter(l -> !l.isBlank() && !l.startsWith(" ")).toList());
    Place place = speaker.at(line, column);
    if (essence.contains("nesting depth")) {
      return place.complaint(KeyPath.ROOT, "nested deeper than " + DEEPEST + " maps and lists");
    }
    // The parser takes 08 for a broken octal number before anyone can look at it.
    return place.complaint(
        KeyPath.ROOT,
        essence.startsWith("Invalid base-8 number")
            ? "found a number with leading zeros; expected none; quote it if it is a text"
            : "not YAML: " + essence);
  }

  private Optional<Node> document() {
    try {
      return firstDocument();
    } catch (JacksonException e) {
      complaints.add(syntax(e));
      return Optional.empty();
    }
  }

  private Optional<Node> firstDocument() {
    if (parser.nextToken() == null) {
      complain(speaker.at(1, 1), KeyPath.ROOT, "found nothing; expected a value");
      return Optional.empty();
    }
    Node root = node(KeyPath.ROOT);
    if (parser.nextToken() != null) {
      complain(place(), KeyPath.ROOT, "found a second document; expected one");
    }
    return Optional.of(root);
  }

  private Node node(KeyPath path) {
    Place place = place();
    boolean withoutValue = refusesReuse(place, path);
    Node node =
        switch (parser.currentToken()) {
          case START_OBJECT -> mapping(place, path);
          case START_ARRAY -> sequence(place, path);
          default -> scalar(place, path);
        };
    return withoutValue ? new Node.Refused(place) : node;
  }

  private Node mapping(Place place, KeyPath path) {
    SequencedMap<String, Node.Entry> entries = new LinkedHashMap<>();
    while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
      Place keyPlace = place();
      String key = parser.currentName();
      KeyPath child = path.child(key);
      boolean refusedKey = isRefusedKey(keyPlace, path, key) || refusesReuse(keyPlace, child);
      parser.nextToken();
      Node value = node(child);
      Node.Entry first = entries.get(key);
      if (first != null) {
        String where = first.keyPlace().line() > 0 ? " in line " + first.keyPlace().line() : "";
        complain(keyPlace, child, "given twice; the first is" + where + "; keep one");
      } else if (!refusedKey) {
        entries.put(key, new Node.Entry(keyPlace, value));
      }
    }
    return new Node.Mapping(place, entries);
  }

  private boolean isRefusedKey(Place place, KeyPath path, String key) {
    if (key.equals("<<")) {
      complain(
          place, path.child(key), "merge keys are refused; write the keys out, or use extends");
      return true;
    }
    if (key.length() > LONGEST_KEY) {
      complain(
          place, path, "a key of " + key.length() + " characters; expected at most " + LONGEST_KEY);
      return true;
    }
    return false;
  }

  private Node sequence(Place place, KeyPath path) {
    List<Node> items = new ArrayList<>();
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      items.add(node(path));
    }
    return new Node.Sequence(place, items);
  }

  private Node scalar(Place place, KeyPath path) {
    String text = parser.getString();
    if (parser.currentToken() == JsonToken.VALUE_NUMBER_INT
        && LEADING_ZERO.matcher(text).matches()) {
      complain(
          place,
          path,
          "found "
              + text
              + "; expected no leading zeros, since readers disagree whether that is octal; quote"
              + " it if it is a text");
      return new Node.Refused(place);
    }
    return new Node.Scalar(place, value(text), text);
  }

  private @Nullable Object value(String text) {
    return switch (parser.currentToken()) {
      case VALUE_NULL -> null;
      case VALUE_TRUE -> true;
      case VALUE_FALSE -> false;
      case VALUE_NUMBER_INT -> {
        BigInteger integer = parser.getBigIntegerValue();
        yield integer.bitLength() < Long.SIZE ? (Object) integer.longValue() : integer;
      }
      case VALUE_NUMBER_FLOAT -> parser.getDoubleValue();
      default -> text;
    };
  }

  /// Complains about an anchor, an alias or a tag here; true where that leaves no value.
  ///
  /// The parser does not tell of anchors on scalars, and tells of those on maps twice. But no plain
  /// scalar begins with one of these three characters, so the text itself says it.
  private boolean refusesReuse(Place place, KeyPath path) {
    long at = parser.currentTokenLocation().getCharOffset();
    if (at < 0 || at >= text.length) {
      return false;
    }
    String what =
        switch (text[(int) at]) {
          case '&' -> "anchor";
          case '*' -> "alias";
          case '!' -> "tag";
          default -> "";
        };
    // A map in block style begins where its first key does.
    if (!what.isEmpty() && refused.add(at)) {
      String found = "found the " + what + " " + word((int) at);
      complain(place, path, found + "; expected the value written out, without reuse or type");
    }
    return what.equals("alias") || what.equals("tag");
  }

  private String word(int from) {
    int to = from;
    while (to < text.length && !Character.isWhitespace(text[to]) && ",[]{}".indexOf(text[to]) < 0) {
      to++;
    }
    return new String(text, from, to - from);
  }

  private Place place() {
    TokenStreamLocation location = parser.currentTokenLocation();
    return speaker.at(location.getLineNr(), location.getColumnNr());
  }

  private void complain(Place place, KeyPath path, String message) {
    complaints.add(place.complaint(path, message));
  }

  /// Built at the first recipe, since most commands read none.
  private static final class Factory {
    private static final YAMLFactory YAML =
        YAMLFactory.builder()
            .yamlSchema(YAMLSchema.CORE)
            .streamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(DEEPEST).build())
            .build();

    static YAMLParser open(String yaml) {
      return (YAMLParser) YAML.createParser(ObjectReadContext.empty(), yaml);
    }
  }
}
