package dev.upcycle.chat.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;

/// Jinja's filters of many values. One thread.
final class SequenceFilters {
  private static final Set<String> NAMES =
      Set.of(
          "dictsort",
          "first",
          "items",
          "join",
          "last",
          "list",
          "map",
          "max",
          "min",
          "reject",
          "rejectattr",
          "reverse",
          "select",
          "selectattr",
          "sort",
          "sum",
          "unique");

  private final Semantics semantics;
  private final Filters filters;

  SequenceFilters(Semantics semantics, Filters filters) {
    this.semantics = semantics;
    this.filters = filters;
  }

  static boolean knows(String name) {
    return NAMES.contains(name);
  }

  Value apply(String name, Value input, Arguments arguments) {
    String called = "the filter '%s'".formatted(name);
    return switch (name) {
      case "list" -> new Value.Items(all(input, arguments.bind(called)));
      case "first" -> first(iterate(input, arguments.bind(called)));
      case "last" -> last(input, arguments.bind(called));
      case "reverse" -> reversed(input, arguments.bind(called));
      case "items" -> items(input, arguments.bind(called));
      case "join" -> joined(input, arguments.bind(called, "d", "attribute"));
      case "map" -> mapped(input, arguments);
      case "select" -> chosen(input, test(arguments));
      case "reject" -> chosen(input, test(arguments).negate());
      case "selectattr" -> chosen(input, attributeTest(called, arguments));
      case "rejectattr" -> chosen(input, attributeTest(called, arguments).negate());
      case "sort" ->
          sorted(input, arguments.bind(called, "reverse", "case_sensitive", "attribute"));
      case "unique" -> unique(input, arguments.bind(called, "case_sensitive", "attribute"));
      case "min" ->
          extreme(input, Order.FORWARD, arguments.bind(called, "case_sensitive", "attribute"));
      case "max" ->
          extreme(input, Order.BACKWARD, arguments.bind(called, "case_sensitive", "attribute"));
      case "sum" -> sum(input, arguments.bind(called, "attribute", "start"));
      case "dictsort" -> entries(input, arguments.bind(called, "case_sensitive", "by", "reverse"));
      default -> throw new IllegalArgumentException(name);
    };
  }

  private enum Order {
    FORWARD,
    BACKWARD
  }

  private List<Value> all(Value input, Arguments.Given none) {
    if (!none.values().isEmpty()) {
      throw new IllegalArgumentException(none.callee());
    }
    return semantics.sequences().all(input);
  }

  private Iterator<Value> iterate(Value input, Arguments.Given none) {
    if (!none.values().isEmpty()) {
      throw new IllegalArgumentException(none.callee());
    }
    return semantics.sequences().iterate(input);
  }

  private static Value first(Iterator<Value> items) {
    return items.hasNext() ? items.next() : new Value.Undefined("the first of no items");
  }

  private Value last(Value input, Arguments.Given none) {
    refuseStream(input, none);
    List<Value> items = all(input, none);
    return items.isEmpty() ? new Value.Undefined("the last of no items") : items.getLast();
  }

  private static void refuseStream(Value input, Arguments.Given given) {
    if (input instanceof Value.Stream) {
      throw new Fault(given.callee() + " needs a list here: put '|list' before it");
    }
  }

  private Value reversed(Value input, Arguments.Given none) {
    List<Value> items = new ArrayList<>(all(input, none));
    Collections.reverse(items);
    if (!(input instanceof Value.Text)) {
      return stream(items);
    }
    StringBuilder text = new StringBuilder();
    items.forEach(item -> text.append(semantics.texts().str(item)));
    return Value.of(text.toString());
  }

  private static Value stream(List<Value> items) {
    return new Value.Stream(List.copyOf(items).iterator());
  }

  private static Value items(Value input, Arguments.Given none) {
    if (input instanceof Value.Undefined) {
      return stream(List.of());
    }
    if (!(input instanceof Value.Dict(Map<Value, Value> entries))) {
      throw new Fault("%s needs a dict, not %s".formatted(none.callee(), Value.typeName(input)));
    }
    return stream(Attributes.pairs(entries));
  }

  private Value joined(Value input, Arguments.Given given) {
    Function<Value, Value> part = attribute(given);
    String separator = semantics.texts().str(given.find("d").orElse(Value.of("")));
    List<String> parts = new ArrayList<>();
    for (Value item : semantics.sequences().all(input)) {
      String text = text(part.apply(item));
      semantics.budget().characters((long) text.length() + separator.length());
      parts.add(text);
    }
    return Value.of(String.join(separator, parts));
  }

  private String text(Value value) {
    if (value instanceof Value.Safe) {
      throw Fault.notCovered("'join' with text marked by 'safe'");
    }
    return semantics.texts().str(value);
  }

  private Function<Value, Value> attribute(Arguments.Given given) {
    return given
        .findUnlessNone("attribute")
        .map(path -> getter(path, Optional.empty()))
        .orElse(Function.identity());
  }

  private Function<Value, Value> getter(Value path, Optional<Value> otherwise) {
    List<Value> parts = parts(path);
    return item -> {
      Value found = item;
      for (Value part : parts) {
        found = semantics.attributes().subscript(found, part);
        if (found instanceof Value.Undefined && otherwise.isPresent()) {
          found = otherwise.get();
        }
      }
      return found;
    };
  }

  private static List<Value> parts(Value path) {
    if (path instanceof Value.Int) {
      return List.of(path);
    }
    if (!(path instanceof Value.Text(String text))) {
      throw new Fault("an attribute is named by text, not " + Value.typeName(path));
    }
    List<Value> parts = new ArrayList<>();
    for (String part : text.split("\\.", -1)) {
      boolean number =
          !part.isEmpty() && part.length() < 10 && part.chars().allMatch(c -> c >= '0' && c <= '9');
      parts.add(number ? Value.Int.of(Long.parseLong(part)) : Value.of(part));
    }
    return parts;
  }

  private Value mapped(Value input, Arguments arguments) {
    Function<Value, Value> change;
    if (arguments.positional().isEmpty()) {
      Arguments.Given given = arguments.bind("the filter 'map'", "attribute", "default");
      change = getter(given.require("attribute"), given.find("default"));
    } else {
      String name = name(arguments, "map");
      if (!Filters.knows(name)) {
        throw Fault.notCovered("the filter '%s'".formatted(name));
      }
      change = item -> filters.apply(name, item, arguments.rest());
    }
    List<Value> changed = new ArrayList<>();
    for (Value item : ifAny(input)) {
      changed.add(change.apply(item));
    }
    return stream(changed);
  }

  private static String name(Arguments arguments, String filter) {
    return new Arguments.Given(filter, Map.of("name", arguments.positional().getFirst()))
        .requireText("name");
  }

  private Predicate<Value> test(Arguments arguments) {
    if (arguments.positional().isEmpty()) {
      arguments.bind("the filter");
      return Truth::of;
    }
    String name = name(arguments, "the filter");
    if (!Checks.knows(name)) {
      throw Fault.notCovered("the test '%s'".formatted(name));
    }
    return item -> semantics.checks().holds(name, item, arguments.rest());
  }

  private Predicate<Value> attributeTest(String called, Arguments arguments) {
    if (arguments.positional().isEmpty()) {
      throw new Fault(called + " needs an attribute's name");
    }
    Function<Value, Value> attribute = getter(arguments.positional().getFirst(), Optional.empty());
    Predicate<Value> test = test(arguments.rest());
    return item -> test.test(attribute.apply(item));
  }

  private Value chosen(Value input, Predicate<Value> test) {
    return stream(ifAny(input).stream().filter(test).toList());
  }

  // These take anything that counts as false for nothing.
  private List<Value> ifAny(Value input) {
    return Truth.of(input) ? semantics.sequences().all(input) : List.of();
  }

  private Comparator<Value> order(Arguments.Given given) {
    Function<Value, Value> key = key(given);
    return (a, b) -> semantics.comparisons().compare("<", key.apply(a), key.apply(b));
  }

  private Function<Value, Value> key(Arguments.Given given) {
    if (given
        .find("attribute")
        .filter(Value.Text.class::isInstance)
        .filter(path -> semantics.texts().str(path).contains(","))
        .isPresent()) {
      throw Fault.notCovered("sorting by several attributes");
    }
    Function<Value, Value> attribute = attribute(given);
    boolean exact = given.truth("case_sensitive", false);
    return item -> {
      Value value = attribute.apply(item);
      return !exact && value instanceof Value.Text(String text)
          ? Value.of(PythonText.lower(text))
          : value;
    };
  }

  private Value sorted(Value input, Arguments.Given given) {
    List<Value> items = new ArrayList<>(semantics.sequences().all(input));
    Comparator<Value> order = order(given);
    items.sort(given.truth("reverse", false) ? order.reversed() : order);
    return new Value.Items(items);
  }

  private Value unique(Value input, Arguments.Given given) {
    Function<Value, Value> key = key(given);
    List<Value> seen = new ArrayList<>();
    List<Value> kept = new ArrayList<>();
    for (Value item : semantics.sequences().all(input)) {
      Value value = key.apply(item);
      if (seen.stream().noneMatch(before -> semantics.comparisons().equal(before, value))) {
        seen.add(value);
        kept.add(item);
      }
    }
    return stream(kept);
  }

  private Value extreme(Value input, Order direction, Arguments.Given given) {
    Comparator<Value> order = order(given);
    Comparator<Value> wanted = direction == Order.FORWARD ? order : order.reversed();
    Iterator<Value> items = semantics.sequences().iterate(input);
    Value best = first(items);
    while (items.hasNext()) {
      Value item = items.next();
      best = wanted.compare(item, best) < 0 ? item : best;
    }
    return best;
  }

  private Value sum(Value input, Arguments.Given given) {
    Function<Value, Value> attribute = attribute(given);
    Value sum = given.find("start").orElse(Value.Int.of(0));
    for (Value item : semantics.sequences().all(input)) {
      sum = semantics.arithmetic().binary("+", sum, attribute.apply(item));
    }
    return sum;
  }

  private Value entries(Value input, Arguments.Given given) {
    if (!(input instanceof Value.Dict(Map<Value, Value> entries))) {
      throw new Fault("%s needs a dict, not %s".formatted(given.callee(), Value.typeName(input)));
    }
    String by = given.findText("by").orElse("key");
    if (!by.equals("key") && !by.equals("value")) {
      throw new Fault("dictsort sorts by 'key' or 'value', not '%s'".formatted(by));
    }
    Value place = Value.Int.of(by.equals("key") ? 0 : 1);
    Arguments.Given sorting = new Arguments.Given(given.callee(), new HashMap<>());
    sorting.values().putAll(given.values());
    sorting.values().put("attribute", place);
    return sorted(new Value.Items(Attributes.pairs(entries)), sorting);
  }
}
