package dev.upcycle.chat.jinja;

import java.math.BigInteger;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// `value.name` and `value[key]`, as Jinja's sandbox gives them. One thread.
final class Attributes {
  private static final Set<String> DICT_METHODS = Set.of("keys", "values", "items", "get", "copy");
  private static final Set<String> CHANGING =
      Set.of(
          "clear",
          "pop",
          "popitem",
          "setdefault",
          "update",
          "append",
          "extend",
          "insert",
          "remove",
          "reverse",
          "sort");
  private static final Set<String> OF_LISTS = Set.of("copy", "count", "index");
  private static final Set<String> OF_NUMBERS =
      Set.of(
          "real",
          "imag",
          "numerator",
          "denominator",
          "conjugate",
          "bit_length",
          "bit_count",
          "to_bytes",
          "from_bytes",
          "as_integer_ratio",
          "is_integer",
          "hex",
          "fromhex");

  private final Sequences sequences;
  private final TextMethods texts;
  private final Comparisons comparisons;

  Attributes(Sequences sequences, TextMethods texts, Comparisons comparisons) {
    this.sequences = sequences;
    this.texts = texts;
    this.comparisons = comparisons;
  }

  /// What the refusal of a name that begins with an underscore says.
  static String hidden(String name) {
    return "'%s' begins with an underscore: such attributes are never given out".formatted(name);
  }

  /// `value.name`: a method or attribute, else what the key leads to.
  Value attribute(Value value, String name) {
    refuseUndefined(value);
    if (name.startsWith("_")) {
      throw new Fault(hidden(name));
    }
    return own(value, name)
        .or(() -> key(value, Value.of(name)))
        .orElseGet(() -> missing(value, name));
  }

  /// `value[key]`: what the key leads to, else a method or attribute.
  Value subscript(Value value, Value key) {
    refuseUndefined(value);
    Optional<Value> found = key(value, key);
    if (found.isPresent()) {
      return found.get();
    }
    if (!(key instanceof Value.Text(String name))) {
      return new Value.Undefined("an item of a value of type " + Value.typeName(value));
    }
    if (name.startsWith("_")) {
      throw new Fault(hidden(name));
    }
    return own(value, name).orElseGet(() -> missing(value, name));
  }

  private static void refuseUndefined(Value value) {
    if (value instanceof Value.Undefined(String what)) {
      throw new Fault(what + " is undefined");
    }
  }

  private static Value missing(Value value, String name) {
    return new Value.Undefined("'%s' of a value of type %s".formatted(name, Value.typeName(value)));
  }

  private Optional<Value> key(Value value, Value key) {
    if (value instanceof Value.Dict(Map<Value, Value> entries)) {
      return key instanceof Value.Undefined
          ? Optional.empty()
          : Optional.ofNullable(entries.get(DictKeys.of(key)));
    }
    return Arithmetic.integer(key).flatMap(index -> at(value, index));
  }

  private Optional<Value> at(Value value, BigInteger index) {
    return switch (value) {
      case Value.Text _, Value.Items _, Value.Tuple _, Value.Range _ ->
          index.bitLength() > 31 ? Optional.empty() : sequences.at(value, index.intValue());
      case Value.Safe _ -> throw Fault.notCovered("an index into text marked by 'safe'");
      case Value.None _,
          Value.Undefined _,
          Value.Bool _,
          Value.Int _,
          Value.Real _,
          Value.Dict _,
          Value.Stream _,
          Value.View _,
          Value.Namespace _,
          Value.Loop _,
          Value.Callable _ ->
          Optional.empty();
    };
  }

  private Optional<Value> own(Value value, String name) {
    return switch (value) {
      case Value.Text(String text) -> texts.method(text, name);
      case Value.Dict(Map<Value, Value> entries) -> dict(entries, name);
      case Value.Namespace(Map<String, Value> attributes) ->
          Optional.ofNullable(attributes.get(name));
      case Value.Loop(LoopState state) -> state.attribute(name, comparisons);
      case Value.Items(List<Value> _) -> list(name);
      case Value.Tuple(List<Value> _) -> refusing(name, OF_LISTS, "tuples");
      case Value.Int _, Value.Real _, Value.Bool _ -> refusing(name, OF_NUMBERS, "numbers");
      case Value.Safe _ -> throw Fault.notCovered("an attribute of text marked by 'safe'");
      case Value.Callable _, Value.Stream _, Value.View _, Value.Range _ ->
          throw Fault.notCovered(
              "the attribute '%s' of a value of type %s".formatted(name, Value.typeName(value)));
      case Value.None _, Value.Undefined _ -> Optional.empty();
    };
  }

  private static Optional<Value> refusing(String name, Set<String> known, String owners) {
    if (known.contains(name)) {
      throw Fault.notCovered("'%s' of %s".formatted(name, owners));
    }
    return Optional.empty();
  }

  private static Optional<Value> list(String name) {
    if (CHANGING.contains(name)) {
      throw new Fault("'%s' would change a list, which a template may not".formatted(name));
    }
    return refusing(name, OF_LISTS, "lists");
  }

  private static Optional<Value> dict(Map<Value, Value> entries, String name) {
    if (DICT_METHODS.contains(name)) {
      return Optional.of(
          new Value.Callable("dict." + name, arguments -> dict(entries, name, arguments)));
    }
    if (Set.of("clear", "pop", "popitem", "setdefault", "update").contains(name)) {
      throw new Fault("'%s' would change a dict, which a template may not".formatted(name));
    }
    return refusing(name, Set.of("fromkeys"), "dicts");
  }

  private static Value dict(Map<Value, Value> entries, String name, Arguments arguments) {
    String callee = "dict." + name;
    if (name.equals("get")) {
      Arguments.Given given = arguments.bindPositional(callee, "key", "default");
      Value found = entries.get(DictKeys.of(given.require("key")));
      return found != null ? found : given.find("default").orElse(Value.None.NONE);
    }
    arguments.bindPositional(callee);
    return switch (name) {
      case "keys" -> new Value.View("dict_keys", List.copyOf(entries.keySet()));
      case "values" -> new Value.View("dict_values", List.copyOf(entries.values()));
      case "items" -> new Value.View("dict_items", pairs(entries));
      case "copy" -> new Value.Dict(entries);
      default -> throw new IllegalArgumentException(name);
    };
  }

  /// The entries as tuples.
  static List<Value> pairs(Map<Value, Value> entries) {
    return entries.entrySet().stream()
        .<Value>map(entry -> new Value.Tuple(List.of(entry.getKey(), entry.getValue())))
        .toList();
  }

  /// What `dict(…)` makes of its arguments.
  Value newDict(Arguments arguments) {
    Map<Value, Value> entries = new LinkedHashMap<>();
    if (arguments.positional().size() > 1) {
      throw new Fault("dict takes one argument without a name");
    }
    for (Value source : arguments.positional()) {
      if (source instanceof Value.Dict(Map<Value, Value> others)) {
        entries.putAll(others);
      } else {
        sequences.all(source).forEach(pair -> put(pair, entries));
      }
    }
    arguments.named().forEach((name, value) -> entries.put(Value.of(name), value));
    return new Value.Dict(entries);
  }

  private void put(Value pair, Map<Value, Value> entries) {
    Iterator<Value> sides = sequences.all(pair).iterator();
    Value key = sides.hasNext() ? sides.next() : Value.None.NONE;
    if (!sides.hasNext()) {
      throw new Fault("dict needs pairs");
    }
    entries.put(DictKeys.ofEntry(key), sides.next());
    if (sides.hasNext()) {
      throw new Fault("dict needs pairs");
    }
  }
}
