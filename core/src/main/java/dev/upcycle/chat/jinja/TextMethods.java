package dev.upcycle.chat.jinja;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.IntPredicate;
import java.util.function.Predicate;
import java.util.function.ToIntFunction;
import java.util.stream.Collectors;

/// The methods of Python's `str` that templates use. One thread.
final class TextMethods {
  private static final Set<String> LEFT_OUT =
      Set.of(
          "casefold",
          "center",
          "encode",
          "expandtabs",
          "format",
          "format_map",
          "isascii",
          "isdecimal",
          "isidentifier",
          "isnumeric",
          "isprintable",
          "istitle",
          "ljust",
          "maketrans",
          "partition",
          "rindex",
          "rjust",
          "rpartition",
          "swapcase",
          "title",
          "translate",
          "zfill",
          "index");

  private final Budget budget;
  private final Sequences sequences;
  private final Map<String, Method> methods = new HashMap<>();

  /// A method of a text.
  private interface Method {
    Value call(String text, Arguments arguments);
  }

  TextMethods(Budget budget, Sequences sequences) {
    this.budget = budget;
    this.sequences = sequences;
    define();
  }

  private void define() {
    methods.put("upper", plain(text -> Value.of(PythonText.upper(text))));
    methods.put("lower", plain(text -> Value.of(PythonText.lower(text))));
    methods.put("capitalize", plain(text -> Value.of(PythonText.capitalised(text))));
    methods.put("strip", (text, given) -> Value.of(strip(text, chars(given), Side.BOTH)));
    methods.put("lstrip", (text, given) -> Value.of(strip(text, chars(given), Side.START)));
    methods.put("rstrip", (text, given) -> Value.of(strip(text, chars(given), Side.END)));
    methods.put("startswith", (text, given) -> Value.of(affix(given, text::startsWith)));
    methods.put("endswith", (text, given) -> Value.of(affix(given, text::endsWith)));
    methods.put("removeprefix", this::withoutPrefix);
    methods.put("removesuffix", this::withoutSuffix);
    methods.put("replace", this::replaced);
    methods.put("split", this::split);
    methods.put("rsplit", this::splitFromEnd);
    methods.put("splitlines", this::lines);
    methods.put("join", this::joined);
    methods.put("count", this::counted);
    methods.put("find", (text, given) -> found(text, given, text::indexOf));
    methods.put("rfind", (text, given) -> found(text, given, text::lastIndexOf));
    methods.put("isspace", all(PythonText::isSpace));
    methods.put("isalpha", all(Character::isLetter));
    methods.put("isdigit", all(TextMethods::isDigit));
    methods.put("isalnum", all(c -> Character.isLetter(c) || isDigit(c)));
    methods.put("islower", plain(text -> Value.of(cased(text, Character::isLowerCase))));
    methods.put("isupper", plain(text -> Value.of(cased(text, Character::isUpperCase))));
  }

  /// The method of a text; empty where Python has none of this name.
  Optional<Value> method(String text, String name) {
    if (LEFT_OUT.contains(name)) {
      throw Fault.notCovered("the string method '%s'".formatted(name));
    }
    return Optional.ofNullable(methods.get(name))
        .map(method ->
            new Value.Callable(
                "str." + name,
                arguments -> {
                  budget.characters(text.length());
                  return method.call(text, arguments);
                }));
  }

  private static Method plain(Function<String, Value> method) {
    return (text, arguments) -> {
      arguments.bindPositional("the string method");
      return method.apply(text);
    };
  }

  private static Method all(IntPredicate predicate) {
    return plain(text -> Value.of(!text.isEmpty() && text.codePoints().allMatch(predicate)));
  }

  private static boolean isDigit(int point) {
    if (point < 0x80) {
      return point >= '0' && point <= '9';
    }
    throw Fault.notCovered("asking whether a character beyond ASCII is a digit");
  }

  private static boolean cased(String text, IntPredicate right) {
    IntPredicate cased =
        c -> Character.isLowerCase(c) || Character.isUpperCase(c) || Character.isTitleCase(c);
    return text.codePoints().anyMatch(cased) && text.codePoints().filter(cased).allMatch(right);
  }

  private static Optional<String> chars(Arguments arguments) {
    return arguments.bindPositional("strip", "chars").findText("chars");
  }

  /// Where characters are taken off.
  enum Side {
    BOTH,
    START,
    END
  }

  /// `strip`, `lstrip` and `rstrip`.
  static String strip(String text, Optional<String> chars, Side side) {
    Set<Integer> wanted =
        chars.stream().flatMap(c -> c.codePoints().boxed()).collect(Collectors.toSet());
    IntPredicate goes = chars.isPresent() ? wanted::contains : PythonText::isSpace;
    int start = 0;
    int end = text.length();
    while (side != Side.END && start < end && goes.test(text.codePointAt(start))) {
      start += Character.charCount(text.codePointAt(start));
    }
    while (side != Side.START && end > start && goes.test(text.codePointBefore(end))) {
      end -= Character.charCount(text.codePointBefore(end));
    }
    return text.substring(start, end);
  }

  private boolean affix(Arguments arguments, Predicate<String> matches) {
    Arguments.Given given = arguments.bindPositional("startswith or endswith", "text");
    Value wanted = given.require("text");
    if (!(wanted instanceof Value.Tuple(List<Value> choices))) {
      return matches.test(given.requireText("text"));
    }
    return choices.stream()
        .map(choice -> new Arguments(List.of(choice), Map.of()).bind("startswith", "text"))
        .anyMatch(choice -> matches.test(choice.requireText("text")));
  }

  private Value withoutPrefix(String text, Arguments arguments) {
    String prefix = arguments.bindPositional("removeprefix", "prefix").requireText("prefix");
    return Value.of(text.startsWith(prefix) ? text.substring(prefix.length()) : text);
  }

  private Value withoutSuffix(String text, Arguments arguments) {
    String suffix = arguments.bindPositional("removesuffix", "suffix").requireText("suffix");
    return Value.of(
        text.endsWith(suffix) ? text.substring(0, text.length() - suffix.length()) : text);
  }

  private Value replaced(String text, Arguments arguments) {
    Arguments.Given given = arguments.bindPositional("replace", "old", "new", "count");
    return Value.of(
        replace(
            text,
            given.requireText("old"),
            given.requireText("new"),
            given.findInteger("count").orElse(-1)));
  }

  /// `replace`; a negative limit is none.
  String replace(String text, String old, String replacement, int limit) {
    List<Integer> places = places(text, old, limit < 0 ? Integer.MAX_VALUE : limit);
    budget.characters(text.length() + (long) places.size() * replacement.length());
    StringBuilder out = new StringBuilder();
    int from = 0;
    for (int place : places) {
      out.append(text, from, place).append(replacement);
      from = place + old.length();
    }
    return out.append(text, from, text.length()).toString();
  }

  // An empty text stands before every character and at the end.
  private List<Integer> places(String text, String wanted, int limit) {
    List<Integer> places = new ArrayList<>();
    int from = 0;
    while (from <= text.length() && places.size() < limit) {
      int place = text.indexOf(wanted, from);
      if (place < 0) {
        break;
      }
      budget.places(1);
      places.add(place);
      from =
          wanted.isEmpty() && place < text.length()
              ? place + Character.charCount(text.codePointAt(place))
              : place + Math.max(1, wanted.length());
    }
    return places;
  }

  private Value counted(String text, Arguments arguments) {
    String wanted = arguments.bindPositional("count", "text").requireText("text");
    return Value.Int.of(places(text, wanted, Integer.MAX_VALUE).size());
  }

  private static Value found(String text, Arguments arguments, ToIntFunction<String> search) {
    int place = search.applyAsInt(arguments.bindPositional("find", "text").requireText("text"));
    return Value.Int.of(place < 0 ? -1 : text.codePointCount(0, place));
  }

  private Value split(String text, Arguments arguments) {
    Arguments.Given given = arguments.bind("split", "sep", "maxsplit");
    int limit = given.findInteger("maxsplit").filter(n -> n >= 0).orElse(Integer.MAX_VALUE);
    return list(
        given
            .findText("sep")
            .map(separator -> pieces(text, places(text, required(separator), limit), separator))
            .orElseGet(() -> words(text, limit)));
  }

  private static String required(String separator) {
    if (separator.isEmpty()) {
      throw new Fault("split needs a separator that is not empty");
    }
    return separator;
  }

  private Value splitFromEnd(String text, Arguments arguments) {
    Arguments.Given given = arguments.bind("rsplit", "sep", "maxsplit");
    int limit = given.findInteger("maxsplit").filter(n -> n >= 0).orElse(Integer.MAX_VALUE);
    String separator =
        required(
            given
                .findText("sep")
                .orElseThrow(() -> Fault.notCovered("'rsplit' without a separator")));
    List<Integer> places = new ArrayList<>();
    int before = text.length() - separator.length();
    while (before >= 0 && places.size() < limit) {
      int place = text.lastIndexOf(separator, before);
      if (place < 0) {
        break;
      }
      budget.places(1);
      places.add(place);
      before = place - separator.length();
    }
    return list(pieces(text, places.reversed(), separator));
  }

  private static List<String> pieces(String text, List<Integer> places, String separator) {
    List<String> pieces = new ArrayList<>();
    int from = 0;
    for (int place : places) {
      pieces.add(text.substring(from, place));
      from = place + separator.length();
    }
    pieces.add(text.substring(from));
    return pieces;
  }

  private List<String> words(String text, int limit) {
    List<String> words = new ArrayList<>();
    int start = runEnd(text, 0, PythonText::isSpace);
    while (start < text.length()) {
      budget.places(1);
      int end =
          words.size() < limit
              ? runEnd(text, start, c -> !PythonText.isSpace(c))
              : PythonText.stripEnd(text).length();
      words.add(text.substring(start, end));
      start = runEnd(text, end, PythonText::isSpace);
    }
    return words;
  }

  /// Where the characters of a kind end that begin here.
  private static int runEnd(String text, int start, IntPredicate kind) {
    int end = start;
    while (end < text.length() && kind.test(text.codePointAt(end))) {
      end += Character.charCount(text.codePointAt(end));
    }
    return end;
  }

  private Value lines(String text, Arguments arguments) {
    boolean keep = arguments.bind("splitlines", "keepends").truth("keepends", false);
    return list(keep ? lines(text, Ends.KEPT) : lines(text, Ends.DROPPED));
  }

  /// What becomes of the characters that end a line.
  enum Ends {
    KEPT,
    DROPPED
  }

  /// `splitlines`.
  static List<String> lines(String text, Ends ends) {
    List<String> lines = new ArrayList<>();
    int start = 0;
    int place = 0;
    while (place < text.length()) {
      char character = text.charAt(place++);
      if ("\n\r\u000b\f\u001c\u001d\u001e\u0085\u2028\u2029".indexOf(character) < 0) {
        continue;
      }
      int end = place - 1;
      if (character == '\r' && place < text.length() && text.charAt(place) == '\n') {
        place++;
      }
      lines.add(text.substring(start, ends == Ends.KEPT ? place : end));
      start = place;
    }
    if (start < text.length()) {
      lines.add(text.substring(start));
    }
    return lines;
  }

  private Value list(List<String> texts) {
    budget.places(texts.size());
    return new Value.Items(texts.stream().map(Value::of).toList());
  }

  private Value joined(String text, Arguments arguments) {
    Value items = arguments.bindPositional("join", "items").require("items");
    List<String> parts = new ArrayList<>();
    for (Value item : sequences.all(items)) {
      if (!(item instanceof Value.Text(String part))) {
        throw new Fault("join needs text, not " + Value.typeName(item));
      }
      budget.characters((long) part.length() + text.length());
      parts.add(part);
    }
    return Value.of(String.join(text, parts));
  }
}
