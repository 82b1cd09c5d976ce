package dev.upcycle.chat.jinja;

import java.math.BigInteger;
import java.util.Map;
import java.util.Set;

/// Jinja's tests: what stands after `is`. One thread.
final class Checks {
  private static final Map<String, String> COMPARING =
      Map.ofEntries(
          Map.entry("eq", "=="),
          Map.entry("equalto", "=="),
          Map.entry("ne", "!="),
          Map.entry("lt", "<"),
          Map.entry("lessthan", "<"),
          Map.entry("le", "<="),
          Map.entry("gt", ">"),
          Map.entry("greaterthan", ">"),
          Map.entry("ge", ">="),
          Map.entry("in", "in"));
  private static final Set<String> PLAIN =
      Set.of(
          "defined",
          "undefined",
          "none",
          "true",
          "false",
          "boolean",
          "string",
          "number",
          "integer",
          "float",
          "mapping",
          "sequence",
          "iterable",
          "callable",
          "lower",
          "upper",
          "odd",
          "even");

  private final Comparisons comparisons;
  private final PythonText texts;

  Checks(Comparisons comparisons, PythonText texts) {
    this.comparisons = comparisons;
    this.texts = texts;
  }

  static boolean knows(String name) {
    return COMPARING.containsKey(name) || PLAIN.contains(name) || name.equals("divisibleby");
  }

  boolean holds(String name, Value value, Arguments arguments) {
    String called = "the test '%s'".formatted(name);
    if (COMPARING.containsKey(name)) {
      Value other = arguments.bindPositional(called, "other").require("other");
      return comparisons.holds(COMPARING.getOrDefault(name, ""), value, other);
    }
    if (name.equals("divisibleby")) {
      Value divisor = arguments.bindPositional(called, "number").require("number");
      return remainder(value, divisor).signum() == 0;
    }
    arguments.bindPositional(called);
    return plain(name, value);
  }

  private static BigInteger remainder(Value value, Value divisor) {
    BigInteger number = integer(value);
    BigInteger by = integer(divisor);
    if (by.signum() == 0) {
      throw new Fault("division by zero");
    }
    return number.remainder(by);
  }

  private static BigInteger integer(Value value) {
    return Arithmetic.integer(value)
        .orElseThrow(() -> new Fault("an integer is needed, not " + Value.typeName(value)));
  }

  private boolean plain(String name, Value value) {
    return switch (name) {
      case "defined" -> !(value instanceof Value.Undefined);
      case "undefined" -> value instanceof Value.Undefined;
      case "none" -> value instanceof Value.None;
      case "true" -> value.equals(Value.of(true));
      case "false" -> value.equals(Value.of(false));
      case "boolean" -> value instanceof Value.Bool;
      case "string" -> value instanceof Value.Text || value instanceof Value.Safe;
      case "number" -> Comparisons.isNumber(value);
      case "integer" -> value instanceof Value.Int;
      case "float" -> value instanceof Value.Real;
      case "mapping" -> value instanceof Value.Dict;
      case "sequence" -> isSequence(value);
      case "iterable" -> isIterable(value);
      case "callable" -> isCallable(value);
      case "lower" -> cased(value, PythonText.lower(texts.str(value)));
      case "upper" -> cased(value, PythonText.upper(texts.str(value)));
      case "odd" -> integer(value).testBit(0);
      case "even" -> !integer(value).testBit(0);
      default -> throw new IllegalArgumentException(name);
    };
  }

  // Python's islower and isupper: some cased character, and none of the other case.
  private boolean cased(Value value, String changed) {
    String text = texts.str(value);
    return text.equals(changed) && !PythonText.lower(text).equals(PythonText.upper(text));
  }

  private static boolean isSequence(Value value) {
    return switch (value) {
      case Value.Text _,
          Value.Safe _,
          Value.Items _,
          Value.Tuple _,
          Value.Dict _,
          Value.Range _,
          Value.Undefined _ ->
          true;
      case Value.None _,
          Value.Bool _,
          Value.Int _,
          Value.Real _,
          Value.Stream _,
          Value.View _,
          Value.Namespace _,
          Value.Loop _,
          Value.Callable _ ->
          false;
    };
  }

  private static boolean isIterable(Value value) {
    return isSequence(value)
        || value instanceof Value.Stream
        || value instanceof Value.View
        || value instanceof Value.Loop;
  }

  private static boolean isCallable(Value value) {
    if (value instanceof Value.Loop || value instanceof Value.Undefined) {
      throw Fault.notCovered("the test 'callable' of " + Value.typeName(value));
    }
    return value instanceof Value.Callable;
  }
}
