package dev.upcycle.chat.jinja;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/// Going through values, their length, their slices. One thread.
final class Sequences {
  private final Budget budget;

  Sequences(Budget budget) {
    this.budget = budget;
  }

  /// The items of a value one after the other, as a loop sees them.
  Iterator<Value> iterate(Value value) {
    return switch (value) {
      case Value.Text(String text) -> characters(text).iterator();
      case Value.Safe(String text) -> characters(text).iterator();
      case Value.Items(List<Value> items) -> items.iterator();
      case Value.Tuple(List<Value> items) -> items.iterator();
      case Value.Range(List<Value> items) -> items.iterator();
      case Value.View(var _, List<Value> items) -> items.iterator();
      case Value.Dict(Map<Value, Value> entries) -> entries.keySet().iterator();
      case Value.Stream(Iterator<Value> rest) -> rest;
      case Value.Undefined _ -> List.<Value>of().iterator();
      case Value.Loop _ -> throw Fault.notCovered("going through 'loop'");
      case Value.None _,
          Value.Bool _,
          Value.Int _,
          Value.Real _,
          Value.Namespace _,
          Value.Callable _ ->
          throw new Fault("a value of type %s has no items".formatted(Value.typeName(value)));
    };
  }

  /// All items of a value.
  List<Value> all(Value value) {
    List<Value> items = new ArrayList<>();
    Iterator<Value> rest = iterate(value);
    while (rest.hasNext()) {
      budget.step();
      items.add(rest.next());
    }
    budget.places(items.size());
    return items;
  }

  private List<Value> characters(String text) {
    budget.places(text.length());
    return text.codePoints().mapToObj(Character::toString).map(Value::of).toList();
  }

  /// `len(value)`; empty where it has none.
  static Optional<Integer> length(Value value) {
    return switch (value) {
      case Value.Text(String text) -> Optional.of(text.codePointCount(0, text.length()));
      case Value.Safe(String text) -> Optional.of(text.codePointCount(0, text.length()));
      case Value.Items(List<Value> items) -> Optional.of(items.size());
      case Value.Tuple(List<Value> items) -> Optional.of(items.size());
      case Value.Range(List<Value> items) -> Optional.of(items.size());
      case Value.View(var _, List<Value> items) -> Optional.of(items.size());
      case Value.Dict(Map<Value, Value> entries) -> Optional.of(entries.size());
      case Value.Undefined _ -> Optional.of(0);
      case Value.Loop(LoopState state) -> Optional.of(state.length());
      case Value.None _,
          Value.Bool _,
          Value.Int _,
          Value.Real _,
          Value.Stream _,
          Value.Namespace _,
          Value.Callable _ ->
          Optional.empty();
    };
  }

  /// `value[index]`; empty where there is no such place.
  Optional<Value> at(Value value, int index) {
    int length = length(value).orElse(0);
    int place = index < 0 ? index + length : index;
    if (place < 0 || place >= length) {
      return Optional.empty();
    }
    return switch (value) {
      case Value.Text(String text) -> Optional.of(Value.of(character(text, place)));
      case Value.Items(List<Value> items) -> Optional.of(items.get(place));
      case Value.Tuple(List<Value> items) -> Optional.of(items.get(place));
      case Value.Range(List<Value> items) -> Optional.of(items.get(place));
      case Value.None _,
          Value.Undefined _,
          Value.Bool _,
          Value.Int _,
          Value.Real _,
          Value.Safe _,
          Value.Dict _,
          Value.Stream _,
          Value.View _,
          Value.Namespace _,
          Value.Loop _,
          Value.Callable _ ->
          Optional.empty();
    };
  }

  private static String character(String text, int place) {
    return Character.toString(text.codePointAt(text.offsetByCodePoints(0, place)));
  }

  /// The bounds of a slice; empty ones are left to Python's rules.
  record Bounds(Optional<Integer> start, Optional<Integer> stop, Optional<Integer> step) {}

  /// `value[start:stop:step]`.
  Value slice(Value value, Bounds bounds) {
    return switch (value) {
      case Value.Text(String text) -> Value.of(slice(text, bounds));
      case Value.Items(List<Value> items) -> new Value.Items(slice(items, bounds));
      case Value.Tuple(List<Value> items) -> new Value.Tuple(slice(items, bounds));
      case Value.Range(List<Value> items) -> new Value.Range(slice(items, bounds));
      case Value.Undefined(String what) -> throw new Fault(what + " is undefined");
      case Value.None _, Value.Bool _, Value.Int _, Value.Real _, Value.Dict _ ->
          new Value.Undefined("a slice of a value of type " + Value.typeName(value));
      case Value.Safe _,
          Value.Stream _,
          Value.View _,
          Value.Namespace _,
          Value.Loop _,
          Value.Callable _ ->
          throw Fault.notCovered("a slice of a value of type " + Value.typeName(value));
    };
  }

  private String slice(String text, Bounds bounds) {
    int[] points = text.codePoints().toArray();
    int[] places = places(points.length, bounds).toArray();
    budget.characters(places.length);
    StringBuilder out = new StringBuilder(places.length);
    for (int place : places) {
      out.appendCodePoint(points[place]);
    }
    return out.toString();
  }

  private List<Value> slice(List<Value> items, Bounds bounds) {
    List<Value> chosen = places(items.size(), bounds).mapToObj(items::get).toList();
    budget.places(chosen.size());
    return chosen;
  }

  private static IntStream places(int length, Bounds bounds) {
    int step = bounds.step().orElse(1);
    if (step == 0) {
      throw new Fault("the step of a slice is zero");
    }
    int lowest = step > 0 ? 0 : -1;
    int highest = step > 0 ? length : length - 1;
    int start =
        bounds
            .start()
            .map(i -> clamped(i, length, lowest, highest))
            .orElse(step > 0 ? lowest : highest);
    int stop =
        bounds
            .stop()
            .map(i -> clamped(i, length, lowest, highest))
            .orElse(step > 0 ? highest : lowest);
    long count =
        step > 0 ? ceiling((long) stop - start, step) : ceiling((long) start - stop, -(long) step);
    return IntStream.range(0, (int) Math.max(0, count)).map(i -> (int) (start + (long) i * step));
  }

  private static long ceiling(long distance, long step) {
    return distance <= 0 ? 0 : (distance - 1) / step + 1;
  }

  private static int clamped(int index, int length, int lowest, int highest) {
    long place = index < 0 ? (long) index + length : index;
    return (int) Math.max(lowest, Math.min(highest, place));
  }
}
