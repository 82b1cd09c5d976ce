package dev.upcycle.chat.jinja;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Names and what they stand for; what a scope does not know its outer one may. One thread.
final class Scope {
  private final @Nullable Scope outer;
  private final Map<String, Value> values;

  private Scope(@Nullable Scope outer, Map<String, Value> values) {
    this.outer = outer;
    this.values = new HashMap<>(values);
  }

  static Scope of(Map<String, Value> values) {
    return new Scope(null, values);
  }

  /// A scope inside this one; what is set in it stays in it.
  Scope inner() {
    return new Scope(this, Map.of());
  }

  void set(String name, Value value) {
    values.put(name, value);
  }

  Optional<Value> find(String name) {
    Scope scope = this;
    while (scope != null) {
      Value value = scope.values.get(name);
      if (value != null) {
        return Optional.of(value);
      }
      scope = scope.outer;
    }
    return Optional.empty();
  }
}
