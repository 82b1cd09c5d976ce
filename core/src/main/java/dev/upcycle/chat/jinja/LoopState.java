package dev.upcycle.chat.jinja;

import java.util.List;
import java.util.Optional;

/// Where a loop is. One thread.
final class LoopState {
  private final List<Value> items;
  private final int depth;
  private int index;
  private Optional<Value> lastChange = Optional.empty();

  /// @param depth how many loops of the same body are around it
  LoopState(List<Value> items, int depth) {
    this.items = List.copyOf(items);
    this.depth = depth;
  }

  int length() {
    return items.size();
  }

  /// Makes the item at this index the current one.
  void moveTo(int place) {
    index = place;
  }

  Optional<Value> attribute(String name, Comparisons comparisons) {
    return Optional.of(
        switch (name) {
          case "index" -> Value.Int.of(index + 1L);
          case "index0" -> Value.Int.of(index);
          case "revindex" -> Value.Int.of(items.size() - (long) index);
          case "revindex0" -> Value.Int.of(items.size() - index - 1L);
          case "first" -> Value.of(index == 0);
          case "last" -> Value.of(index == items.size() - 1);
          case "length" -> Value.Int.of(items.size());
          case "depth" -> Value.Int.of(depth + 1L);
          case "depth0" -> Value.Int.of(depth);
          case "previtem" -> neighbour(index - 1, "there is no previous item: it");
          case "nextitem" -> neighbour(index + 1, "there is no next item: it");
          case "cycle" -> new Value.Callable("loop.cycle", this::cycle);
          case "changed" ->
              new Value.Callable("loop.changed", given -> changed(given, comparisons));
          default -> throw Fault.notCovered("'loop.%s'".formatted(name));
        });
  }

  private Value neighbour(int place, String what) {
    return place >= 0 && place < items.size() ? items.get(place) : new Value.Undefined(what);
  }

  private Value cycle(Arguments arguments) {
    List<Value> values = arguments.positional();
    if (values.isEmpty()) {
      throw new Fault("loop.cycle needs something to go through");
    }
    return values.get(index % values.size());
  }

  private Value changed(Arguments arguments, Comparisons comparisons) {
    Value now = new Value.Tuple(arguments.positional());
    boolean same = lastChange.filter(before -> comparisons.equal(before, now)).isPresent();
    lastChange = Optional.of(now);
    return Value.of(!same);
  }
}
