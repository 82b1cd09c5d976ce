package dev.upcycle.chat.jinja;

import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/// Jinja's filters of single values, and the way to all others. One thread.
final class Filters {
  private static final Set<String> PLAIN =
      Set.of(
          "abs",
          "capitalize",
          "count",
          "d",
          "default",
          "float",
          "indent",
          "int",
          "length",
          "lower",
          "replace",
          "round",
          "safe",
          "string",
          "title",
          "tojson",
          "trim",
          "upper");

  private final Semantics semantics;
  private final SequenceFilters sequences;
  private final NumberFilters numbers = new NumberFilters();

  Filters(Semantics semantics) {
    this.semantics = semantics;
    this.sequences = new SequenceFilters(semantics, this);
  }

  static boolean knows(String name) {
    return PLAIN.contains(name) || SequenceFilters.knows(name);
  }

  Value apply(String name, Value input, Arguments arguments) {
    if (input instanceof Value.Text(String text)) {
      semantics.budget().read(text.length());
    }
    if (SequenceFilters.knows(name)) {
      return sequences.apply(name, input, arguments);
    }
    String called = "the filter '%s'".formatted(name);
    return switch (name) {
      case "abs" -> numbers.absolute(input, arguments.bind(called));
      case "int" -> numbers.integer(input, arguments.bind(called, "default", "base"));
      case "float" -> numbers.real(input, arguments.bind(called, "default"));
      case "round" -> numbers.rounded(input, arguments.bind(called, "precision", "method"));
      case "count", "length" -> length(input, arguments.bind(called));
      case "d", "default" -> otherwise(input, arguments.bind(called, "default_value", "boolean"));
      case "safe" -> safe(input, arguments.bind(called));
      case "string" -> string(input, arguments.bind(called));
      case "tojson" ->
          json(input, arguments.bind(called, "ensure_ascii", "indent", "separators", "sort_keys"));
      default -> text(name, semantics.texts().str(unmarked(input)), arguments);
    };
  }

  private static Value unmarked(Value input) {
    if (input instanceof Value.Safe) {
      throw Fault.notCovered("this filter on text marked by 'safe'");
    }
    return input;
  }

  private Value text(String name, String text, Arguments arguments) {
    String called = "the filter '%s'".formatted(name);
    semantics.budget().characters(text.length());
    return switch (name) {
      case "capitalize" -> plain(PythonText.capitalised(text), arguments.bind(called));
      case "lower" -> plain(PythonText.lower(text), arguments.bind(called));
      case "upper" -> plain(PythonText.upper(text), arguments.bind(called));
      case "title" -> plain(titled(text), arguments.bind(called));
      case "trim" ->
          Value.of(
              TextMethods.strip(
                  text, arguments.bind(called, "chars").findText("chars"), TextMethods.Side.BOTH));
      case "replace" -> replaced(text, arguments.bind(called, "old", "new", "count"));
      case "indent" -> indented(text, arguments.bind(called, "width", "first", "blank"));
      default -> throw Fault.notCovered(called);
    };
  }

  private static Value plain(String text, Arguments.Given none) {
    if (!none.values().isEmpty()) {
      throw new IllegalArgumentException(none.callee());
    }
    return Value.of(text);
  }

  private Value length(Value input, Arguments.Given none) {
    return Sequences.length(input)
        .map(Value.Int::of)
        .orElseThrow(() ->
            new Fault(
                "%s: a value of type %s has no length"
                    .formatted(none.callee(), Value.typeName(input))));
  }

  private static Value otherwise(Value input, Arguments.Given given) {
    boolean falseToo = given.truth("boolean", false);
    boolean replaced = input instanceof Value.Undefined || (falseToo && !Truth.of(input));
    return replaced ? given.find("default_value").orElse(Value.of("")) : input;
  }

  private Value safe(Value input, Arguments.Given none) {
    if (!none.values().isEmpty()) {
      throw new IllegalArgumentException(none.callee());
    }
    return new Value.Safe(semantics.texts().str(input));
  }

  private Value string(Value input, Arguments.Given none) {
    if (!none.values().isEmpty()) {
      throw new IllegalArgumentException(none.callee());
    }
    return input instanceof Value.Safe ? input : Value.of(semantics.texts().str(input));
  }

  private Value json(Value input, Arguments.Given given) {
    Optional<String> indent = given.findUnlessNone("indent").map(Filters::indentation);
    Optional<Value> separators = given.findUnlessNone("separators");
    var pair = separators.map(semantics.sequences()::all);
    if (pair.filter(both -> both.size() != 2).isPresent()) {
      throw new Fault("tojson needs two separators");
    }
    JsonText.Style style =
        new JsonText.Style(
            indent,
            pair.map(both -> separator(both.getFirst())).orElse(indent.isPresent() ? "," : ", "),
            pair.map(both -> separator(both.getLast())).orElse(": "),
            given.truth("sort_keys", false) ? JsonText.Keys.SORTED : JsonText.Keys.AS_THEY_ARE,
            given.truth("ensure_ascii", false) ? JsonText.Letters.ASCII : JsonText.Letters.ALL);
    return Value.of(JsonText.of(input, style, semantics.budget()));
  }

  private static String indentation(Value width) {
    if (width instanceof Value.Text(String text)) {
      return text;
    }
    return new Arguments.Given("the indent", Map.of("width", width))
        .findInteger("width")
        .map(count -> " ".repeat(Math.clamp(count, 0, 1000)))
        .orElse("");
  }

  private static String separator(Value value) {
    return new Arguments.Given("tojson", Map.of("separators", value)).requireText("separators");
  }

  private Value replaced(String text, Arguments.Given given) {
    PythonText texts = semantics.texts();
    int count =
        given.findUnlessNone("count").isPresent() ? given.findInteger("count").orElse(-1) : -1;
    return Value.of(
        semantics
            .methods()
            .replace(
                text,
                texts.str(unmarked(given.require("old"))),
                texts.str(unmarked(given.require("new"))),
                count));
  }

  private Value indented(String text, Arguments.Given given) {
    String indent = given.find("width").map(Filters::indentation).orElse("    ");
    boolean blank = given.truth("blank", false);
    var lines = TextMethods.lines(text + "\n", TextMethods.Ends.DROPPED);
    semantics.budget().characters((long) lines.size() * (indent.length() + 1) + text.length());
    String rest =
        lines.stream()
            .skip(1)
            .map(line -> "\n" + (blank || !line.isEmpty() ? indent : "") + line)
            .collect(Collectors.joining());
    return Value.of((given.truth("first", false) ? indent : "") + lines.getFirst() + rest);
  }

  private static String titled(String text) {
    StringBuilder out = new StringBuilder();
    boolean begins = true;
    for (int point : text.codePoints().toArray()) {
      String character = Character.toString(point);
      boolean divides = "-({[<".contains(character) || PythonText.isSpace(point);
      out.append(begins && !divides ? PythonText.upper(character) : PythonText.lower(character));
      begins = divides;
    }
    return out.toString();
  }
}
