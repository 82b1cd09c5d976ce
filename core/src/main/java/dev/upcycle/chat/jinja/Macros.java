package dev.upcycle.chat.jinja;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Macros as values. One thread.
final class Macros {
  private final Evaluator evaluator;
  private final Renderer renderer;

  Macros(Evaluator evaluator, Renderer renderer) {
    this.evaluator = evaluator;
    this.renderer = renderer;
  }

  /// A macro that sees the names of the scope it is defined in.
  Value callable(Statement.Macro macro, Scope scope) {
    return new Value.Callable(
        macro.name(),
        arguments -> {
          Scope inner = scope.inner();
          bind(macro, arguments, inner);
          evaluator.semantics().budget().enter();
          String text = renderer.caught(macro.body(), inner);
          evaluator.semantics().budget().leave();
          return Value.of(text);
        });
  }

  /// Calls a macro that gets a block as `caller`.
  Value call(Statement.CallBlock block, Scope scope) {
    Value callee = evaluator.evaluate(block.call().callee(), scope);
    Arguments given = evaluator.arguments(block.call().arguments(), scope);
    Map<String, Value> named = new LinkedHashMap<>(given.named());
    named.put("caller", callable(block.caller(), scope));
    return evaluator.call(callee, new Arguments(given.positional(), named));
  }

  private void bind(Statement.Macro macro, Arguments arguments, Scope inner) {
    List<Statement.Parameter> parameters = macro.parameters();
    List<Value> places = arguments.positional();
    Map<String, Value> named = new LinkedHashMap<>(arguments.named());
    for (int i = 0; i < parameters.size(); i++) {
      Statement.Parameter parameter = parameters.get(i);
      String name = parameter.name();
      Value byName = named.remove(name);
      if (i < places.size() && byName != null) {
        throw new Fault("macro '%s' gets '%s' twice".formatted(macro.name(), name));
      }
      Value value = i < places.size() ? places.get(i) : byName;
      inner.set(name, value != null ? value : fallback(parameter, inner));
    }
    rest(macro, places.subList(Math.min(places.size(), parameters.size()), places.size()), inner);
    specials(macro, named, inner);
  }

  private Value fallback(Statement.Parameter parameter, Scope inner) {
    return parameter
        .fallback()
        .map(expression -> evaluator.evaluate(expression, inner))
        .orElseGet(() ->
            new Value.Undefined("parameter '%s' was not provided: it".formatted(parameter.name())));
  }

  private static void rest(Statement.Macro macro, List<Value> rest, Scope inner) {
    if (macro.specials().contains("varargs")) {
      inner.set("varargs", new Value.Tuple(rest));
    } else if (!rest.isEmpty()) {
      throw new Fault(
          "macro '%s' takes at most %d arguments"
              .formatted(macro.name(), macro.parameters().size()));
    }
  }

  private static void specials(Statement.Macro macro, Map<String, Value> named, Scope inner) {
    Set<String> known = new HashSet<>();
    if (macro.specials().contains("caller")) {
      known.add("caller");
      Value caller = named.get("caller");
      inner.set("caller", caller != null ? caller : new Value.Undefined("no caller is there: it"));
    }
    Map<Value, Value> left = new LinkedHashMap<>();
    named.forEach((name, value) -> {
      if (!known.contains(name)) {
        left.put(Value.of(name), value);
      }
    });
    if (macro.specials().contains("kwargs")) {
      inner.set("kwargs", new Value.Dict(left));
    } else if (!left.isEmpty()) {
      throw new Fault("macro '%s' has no parameter %s".formatted(macro.name(), named.keySet()));
    }
  }
}
