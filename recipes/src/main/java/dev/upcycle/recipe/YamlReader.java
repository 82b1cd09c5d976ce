package dev.upcycle.recipe;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
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

  /// The deepest nesting of maps and lists.
  static final int DEEPEST = 32;

  /// The longest key: YAML itself ends at 1,024 characters, escapes included.
  static final int LONGEST_KEY = 128;

  private static final Pattern LEADING_ZERO = Pattern.compile("[-+]?0[0-9]+");
  private static final Pattern POSITION = Pattern.compile("line (\\d+), column (\\d+)");

  private final Speaker speaker;
  private final YAMLParser parser;
  private final List<Complaint> complaints;

  private YamlReader(Speaker speaker, YAMLParser parser, List<Complaint> complaints) {
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
      return new YamlReader(speaker, parser, complaints).document();
    } catch (JacksonException e) {
      complaints.add(syntax(e, speaker));
      return Optional.empty();
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

  private static Complaint syntax(JacksonException e, Speaker speaker) {
    String message = e.getOriginalMessage();
    TokenStreamLocation location = e.getLocation();
    int line = location == null ? 0 : location.getLineNr();
    int column = location == null ? 0 : location.getColumnNr();
    for (Matcher m = POSITION.matcher(message); m.find(); ) {
      line = Integer.parseInt(m.group(1));
      column = Integer.parseInt(m.group(2));
    }
    // The parser's message repeats the text and its position on indented lines.
    String essence =
        String.join(": ", message.lines().filter(l -> !l.isBlank() && !l.startsWith(" ")).toList());
    return speaker.at(line, column).complaint(KeyPath.ROOT, "not YAML: " + essence);
  }

  private Optional<Node> document() {
    if (parser.nextToken() == null) {
      complain(speaker.at(1, 1), KeyPath.ROOT, "found nothing; expected a value");
      return Optional.empty();
    }
    Node root = node(KeyPath.ROOT, 0);
    if (parser.nextToken() != null) {
      complain(place(), KeyPath.ROOT, "found a second document; expected one");
    }
    return Optional.of(root);
  }

  private Node node(KeyPath path, int depth) {
    Place place = place();
    boolean refused = refusesReuse(place, path);
    if (depth > DEEPEST) {
      complain(place, path, "nested deeper than " + DEEPEST + " levels");
      parser.skipChildren();
      return new Node.Refused(place);
    }
    Node node =
        switch (parser.currentToken()) {
          case START_OBJECT -> mapping(place, path, depth);
          case START_ARRAY -> sequence(place, path, depth);
          default -> scalar(place, path);
        };
    return refused ? new Node.Refused(place) : node;
  }

  private Node mapping(Place place, KeyPath path, int depth) {
    SequencedMap<String, Node.Entry> entries = new LinkedHashMap<>();
    boolean decorated = isDecorated();
    while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
      Place keyPlace = place();
      String key = parser.currentName();
      // The parser shows a map's own anchor and tag once more at its first key.
      boolean repeated = decorated && entries.isEmpty();
      KeyPath child = path.child(key);
      boolean refused = isRefusedKey(keyPlace, path, key);
      if (!repeated) {
        refused |= refusesReuse(keyPlace, child);
      }
      decorated = false;
      parser.nextToken();
      Node value = node(child, depth + 1);
      Node.Entry first = entries.get(key);
      if (first != null) {
        String where = first.keyPlace().line() > 0 ? " in line " + first.keyPlace().line() : "";
        complain(keyPlace, child, "given twice; the first is" + where + "; keep one");
      } else if (!refused) {
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
      complain(place, path, "a key of " + key.length() + " characters; expected " + LONGEST_KEY);
      return true;
    }
    return false;
  }

  private Node sequence(Place place, KeyPath path, int depth) {
    List<Node> items = new ArrayList<>();
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      items.add(node(path, depth + 1));
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

  private boolean isDecorated() {
    return parser.getObjectId() != null || parser.getRawTag() != null;
  }

  private boolean refusesReuse(Place place, KeyPath path) {
    if (parser.isCurrentAlias()) {
      complain(
          place, path, "found the alias *" + parser.getString() + "; expected the value itself");
      return true;
    }
    if (parser.getObjectId() != null) {
      complain(
          place,
          path,
          "found the anchor &" + parser.getObjectId() + "; anchors are refused: write values out");
      return false;
    }
    if (parser.getRawTag() != null) {
      complain(place, path, "found the tag " + parser.getRawTag() + "; tags are refused");
      return true;
    }
    return false;
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
        YAMLFactory.builder().yamlSchema(YAMLSchema.CORE).build();

    static YAMLParser open(String yaml) {
      return (YAMLParser) YAML.createParser(ObjectReadContext.empty(), yaml);
    }
  }
}
