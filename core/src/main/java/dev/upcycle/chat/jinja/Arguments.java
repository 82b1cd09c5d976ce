package dev.upcycle.chat.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// What a call was given.
///
/// @param positional those without a name
/// @param named those with one
record Arguments(List<Value> positional, Map<String, Value> named) {
  static final Arguments NONE = new Arguments(List.of(), Map.of());

  Arguments {
    positional = List.copyOf(positional);
    named = new LinkedHashMap<>(named);
  }

  /// Puts each argument to its parameter.
  ///
  /// @param callee what is called, for messages
  Given bind(String callee, String... parameters) {
    Given given = bindPlaces(callee, parameters);
    List<String> names = List.of(parameters);
    named.forEach((name, value) -> {
      if (!names.contains(name)) {
        throw new Fault("%s has no parameter '%s'".formatted(callee, name));
      }
      if (given.values().put(name, value) != null) {
        throw new Fault("%s gets '%s' twice".formatted(callee, name));
      }
    });
    return given;
  }

  /// The same for what takes no names.
  Given bindPositional(String callee, String... parameters) {
    if (!named.isEmpty()) {
      throw new Fault("%s takes no named arguments".formatted(callee));
    }
    return bindPlaces(callee, parameters);
  }

  private Given bindPlaces(String callee, String... parameters) {
    if (positional.size() > parameters.length) {
      throw new Fault(
          "%s takes at most %d arguments, not %d"
              .formatted(callee, parameters.length, positional.size()));
    }
    Map<String, Value> values = new LinkedHashMap<>();
    for (int i = 0; i < positional.size(); i++) {
      values.put(parameters[i], positional.get(i));
    }
    return new Given(callee, values);
  }

  /// The arguments from the second on.
  Arguments rest() {
    return new Arguments(positional.subList(1, positional.size()), named);
  }

  /// These with one more before them.
  Arguments after(Value first) {
    List<Value> all = new ArrayList<>(List.of(first));
    all.addAll(positional);
    return new Arguments(all, named);
  }

  /// Arguments by parameter.
  record Given(String callee, Map<String, Value> values) {
    Optional<Value> find(String parameter) {
      return Optional.ofNullable(values.get(parameter));
    }

    /// The same, where `None` says as much as nothing.
    Optional<Value> findUnlessNone(String parameter) {
      return find(parameter).filter(value -> value != Value.None.NONE);
    }

    Value require(String parameter) {
      return find(parameter)
          .orElseThrow(() -> new Fault("%s needs '%s'".formatted(callee, parameter)));
    }

    String requireText(String parameter) {
      return text(parameter, require(parameter));
    }

    Optional<String> findText(String parameter) {
      return findUnlessNone(parameter).map(value -> text(parameter, value));
    }

    private String text(String parameter, Value value) {
      if (value instanceof Value.Text(String text)) {
        return text;
      }
      throw new Fault(
          "%s needs text for '%s', not %s".formatted(callee, parameter, Value.typeName(value)));
    }

    Optional<Integer> findInteger(String parameter) {
      return find(parameter).map(value -> integer(parameter, value));
    }

    private int integer(String parameter, Value value) {
      BigInteger number =
          Arithmetic.integer(value)
              .orElseThrow(() ->
                  new Fault(
                      "%s needs an integer for '%s', not %s"
                          .formatted(callee, parameter, Value.typeName(value))));
      if (number.bitLength() > 31) {
        throw new Fault("%s: '%s' is too large".formatted(callee, parameter));
      }
      return number.intValueExact();
    }

    boolean truth(String parameter, boolean otherwise) {
      return find(parameter).map(Truth::of).orElse(otherwise);
    }
  }
}
