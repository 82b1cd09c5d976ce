package dev.upcycle.chat.jinja;

import java.math.BigDecimal;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Python's equality, order and membership. One thread.
final class Comparisons {
  private final Budget budget;
  private final Sequences sequences;

  Comparisons(Budget budget, Sequences sequences) {
    this.budget = budget;
    this.sequences = sequences;
  }

  boolean holds(String operator, Value left, Value right) {
    return switch (operator) {
      case "==" -> equal(left, right);
      case "!=" -> !equal(left, right);
      case "in" -> contains(right, left);
      case "not in" -> !contains(right, left);
      case "<" -> order(operator, left, right).filter(sign -> sign < 0).isPresent();
      case "<=" -> order(operator, left, right).filter(sign -> sign <= 0).isPresent();
      case ">" -> order(operator, left, right).filter(sign -> sign > 0).isPresent();
      case ">=" -> order(operator, left, right).filter(sign -> sign >= 0).isPresent();
      default -> throw new IllegalArgumentException(operator);
    };
  }

  boolean equal(Value left, Value right) {
    budget.step();
    if (isNumber(left) && isNumber(right)) {
      return numbers(left, right).filter(sign -> sign == 0).isPresent();
    }
    return switch (left) {
      case Value.Text(String text) -> text(right).filter(text::equals).isPresent();
      case Value.Safe(String text) -> text(right).filter(text::equals).isPresent();
      case Value.Items(List<Value> items) ->
          right instanceof Value.Items(List<Value> others) && equal(items, others);
      case Value.Tuple(List<Value> items) ->
          right instanceof Value.Tuple(List<Value> others) && equal(items, others);
      case Value.Dict(Map<Value, Value> entries) ->
          right instanceof Value.Dict(Map<Value, Value> others) && equal(entries, others);
      case Value.None _ -> right instanceof Value.None;
      case Value.Undefined _ -> right instanceof Value.Undefined;
      case Value.Range(List<Value> items) ->
          right instanceof Value.Range(List<Value> others) && equal(items, others);
      case Value.Bool _, Value.Int _, Value.Real _ -> false;
      case Value.View _, Value.Stream _, Value.Namespace _, Value.Loop _, Value.Callable _ ->
          throw Fault.notCovered("comparing a value of type " + Value.typeName(left));
    };
  }

  private static Optional<String> text(Value value) {
    if (value instanceof Value.Text(String text)) {
      return Optional.of(text);
    }
    return value instanceof Value.Safe(String text) ? Optional.of(text) : Optional.empty();
  }

  private boolean equal(List<Value> left, List<Value> right) {
    if (left.size() != right.size()) {
      return false;
    }
    Iterator<Value> others = right.iterator();
    return left.stream().allMatch(item -> equal(item, others.next()));
  }

  private boolean equal(Map<Value, Value> left, Map<Value, Value> right) {
    return left.size() == right.size()
        && left.entrySet().stream()
            .allMatch(entry ->
                Optional.ofNullable(right.get(entry.getKey()))
                    .filter(other -> equal(entry.getValue(), other))
                    .isPresent());
  }

  static boolean isNumber(Value value) {
    return value instanceof Value.Int || value instanceof Value.Bool || value instanceof Value.Real;
  }

  /// The sign of the difference; empty where one is not a number at all.
  private static Optional<Integer> numbers(Value left, Value right) {
    double a = Arithmetic.real(left).orElse(Double.NaN);
    double b = Arithmetic.real(right).orElse(Double.NaN);
    if (Double.isNaN(a) || Double.isNaN(b)) {
      return Optional.empty();
    }
    if (Double.isInfinite(a) || Double.isInfinite(b)) {
      return Optional.of(Double.compare(a, b));
    }
    return Optional.of(exact(left, a).compareTo(exact(right, b)));
  }

  private static BigDecimal exact(Value value, double real) {
    return Arithmetic.integer(value).map(BigDecimal::new).orElseGet(() -> new BigDecimal(real));
  }

  private Optional<Integer> order(String operator, Value left, Value right) {
    if (isNumber(left) && isNumber(right)) {
      return numbers(left, right);
    }
    return Optional.of(compare(operator, left, right));
  }

  /// The order that sorting uses: numbers, text, lists and tuples, each among its kind.
  int compare(String operator, Value left, Value right) {
    budget.step();
    if (isNumber(left) && isNumber(right)) {
      return numbers(left, right)
          .orElseThrow(() -> Fault.notCovered("the order of a number that is not one"));
    }
    if (left instanceof Value.Text(String a) && right instanceof Value.Text(String b)) {
      return byCodePoints(a, b);
    }
    if (left instanceof Value.Items(List<Value> a) && right instanceof Value.Items(List<Value> b)) {
      return compare(operator, a, b);
    }
    if (left instanceof Value.Tuple(List<Value> a) && right instanceof Value.Tuple(List<Value> b)) {
      return compare(operator, a, b);
    }
    Value undefined = left instanceof Value.Undefined ? left : right;
    if (undefined instanceof Value.Undefined(String what)) {
      throw new Fault(what + " is undefined");
    }
    throw new Fault(
        "'%s' does not order %s and %s"
            .formatted(operator, Value.typeName(left), Value.typeName(right)));
  }

  private int compare(String operator, List<Value> left, List<Value> right) {
    for (int i = 0; i < Math.min(left.size(), right.size()); i++) {
      if (!equal(left.get(i), right.get(i))) {
        return compare(operator, left.get(i), right.get(i));
      }
    }
    return Integer.compare(left.size(), right.size());
  }

  static int byCodePoints(String a, String b) {
    return Arrays.compare(a.codePoints().toArray(), b.codePoints().toArray());
  }

  private boolean contains(Value container, Value item) {
    return switch (container) {
      case Value.Text(String text) -> containsText(text, item);
      case Value.Safe(String text) -> containsText(text, item);
      case Value.Dict(Map<Value, Value> entries) -> entries.containsKey(DictKeys.of(item));
      case Value.Namespace _ ->
          throw new Fault("'in' does not take a value of type " + Value.typeName(container));
      case Value.None _,
          Value.Undefined _,
          Value.Bool _,
          Value.Int _,
          Value.Real _,
          Value.Items _,
          Value.Tuple _,
          Value.Range _,
          Value.Stream _,
          Value.View _,
          Value.Loop _,
          Value.Callable _ -> {
        Iterator<Value> items = sequences.iterate(container);
        boolean found = false;
        while (!found && items.hasNext()) {
          found = equal(items.next(), item);
        }
        yield found;
      }
    };
  }

  private static boolean containsText(String text, Value item) {
    return text.contains(
        text(item)
            .orElseThrow(() ->
                new Fault("'in' needs text to look for in text, not " + Value.typeName(item))));
  }
}
