package dev.upcycle.chat.jinja;

import dev.upcycle.chat.jinja.Expression.Argument;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Computes expressions. One thread.
final class Evaluator {
  private final String template;
  private final Semantics semantics;
  private final Filters filters;

  /// @param template its name, for messages
  Evaluator(String template, Semantics semantics) {
    this.template = template;
    this.semantics = semantics;
    this.filters = new Filters(semantics);
  }

  Semantics semantics() {
    return semantics;
  }

  /// What stands here, without a place in its refusals.
  Value evaluate(Expression expression, Scope scope) {
    Budget budget = semantics.budget();
    try {
      budget.step();
      budget.enter();
      Value value = compute(expression, scope);
      if (value instanceof Value.Text(String text)) {
        budget.read(text.length());
      }
      budget.leave();
      return value;
    } catch (Fault fault) {
      throw located(fault, expression.at());
    } catch (StackOverflowError e) {
      throw located(new Fault("values or expressions are nested too deeply"), expression.at());
    }
  }

  /// A refusal with its place.
  TemplateException located(Fault fault, Position at) {
    return new TemplateException(template, at, String.valueOf(fault.getMessage()));
  }

  private Value compute(Expression expression, Scope scope) {
    return switch (expression) {
      case Expression.Literal literal -> literal.value();
      case Expression.Name name ->
          scope
              .find(name.name())
              .orElseGet(() -> new Value.Undefined("'%s'".formatted(name.name())));
      case Expression.ListLiteral list -> new Value.Items(all(list.items(), scope));
      case Expression.TupleLiteral tuple -> new Value.Tuple(all(tuple.items(), scope));
      case Expression.DictLiteral dict -> dict(dict, scope);
      case Expression.Attribute attribute ->
          semantics.attributes().attribute(evaluate(attribute.target(), scope), attribute.name());
      case Expression.Subscript subscript ->
          semantics
              .attributes()
              .subscript(evaluate(subscript.target(), scope), evaluate(subscript.index(), scope));
      case Expression.Slice slice -> slice(slice, scope);
      case Expression.Call call ->
          call(evaluate(call.callee(), scope), arguments(call.arguments(), scope));
      case Expression.Filter filter -> filtered(filter, scope);
      case Expression.Test test -> tested(test, scope);
      case Expression.Unary unary ->
          semantics.arithmetic().unary(unary.operator(), evaluate(unary.operand(), scope));
      case Expression.Binary binary -> binary(binary, scope);
      case Expression.And and -> and(and, scope);
      case Expression.Or or -> or(or, scope);
      case Expression.Not not -> Value.of(!Truth.of(evaluate(not.operand(), scope)));
      case Expression.Comparison comparison -> compared(comparison, scope);
      case Expression.Concatenation parts -> concatenated(parts.parts(), scope);
      case Expression.Conditional conditional -> conditional(conditional, scope);
    };
  }

  private List<Value> all(List<Expression> items, Scope scope) {
    List<Value> values = new ArrayList<>();
    for (Expression item : items) {
      values.add(evaluate(item, scope));
    }
    semantics.budget().places(values.size());
    return values;
  }

  private Value dict(Expression.DictLiteral dict, Scope scope) {
    Map<Value, Value> entries = new LinkedHashMap<>();
    for (Expression.Entry entry : dict.entries()) {
      Value key = DictKeys.ofEntry(evaluate(entry.key(), scope));
      entries.put(key, evaluate(entry.value(), scope));
    }
    semantics.budget().places(entries.size());
    return new Value.Dict(entries);
  }

  private Value binary(Expression.Binary binary, Scope scope) {
    Value left = evaluate(binary.left(), scope);
    return semantics.arithmetic().binary(binary.operator(), left, evaluate(binary.right(), scope));
  }

  private Value and(Expression.And and, Scope scope) {
    Value left = evaluate(and.left(), scope);
    return Truth.of(left) ? evaluate(and.right(), scope) : left;
  }

  private Value or(Expression.Or or, Scope scope) {
    Value left = evaluate(or.left(), scope);
    return Truth.of(left) ? left : evaluate(or.right(), scope);
  }

  private Value slice(Expression.Slice slice, Scope scope) {
    Value target = evaluate(slice.target(), scope);
    Expression.Bounds bounds = slice.bounds();
    return semantics
        .sequences()
        .slice(
            target,
            new Sequences.Bounds(
                bound(bounds.start(), scope),
                bound(bounds.stop(), scope),
                bound(bounds.step(), scope)));
  }

  private Optional<Integer> bound(Optional<Expression> bound, Scope scope) {
    return bound
        .map(expression -> evaluate(expression, scope))
        .filter(value -> value != Value.None.NONE)
        .map(value ->
            Arithmetic.integer(value)
                .orElseThrow(
                    () -> new Fault("a slice needs integers, not " + Value.typeName(value))))
        .map(Evaluator::clamped);
  }

  // No text is that long: beyond it all bounds mean the same.
  private static int clamped(BigInteger bound) {
    BigInteger limit = BigInteger.valueOf(Integer.MAX_VALUE);
    return bound.min(limit).max(limit.negate()).intValueExact();
  }

  Value call(Value callee, Arguments arguments) {
    return switch (callee) {
      case Value.Callable(var _, Value.Callable.Body body) -> body.call(arguments);
      case Value.Undefined(String what) -> throw new Fault(what + " is undefined");
      case Value.Loop _ -> throw Fault.notCovered("calling 'loop'");
      case Value.None _,
          Value.Bool _,
          Value.Int _,
          Value.Real _,
          Value.Text _,
          Value.Safe _,
          Value.Items _,
          Value.Tuple _,
          Value.Dict _,
          Value.Range _,
          Value.Stream _,
          Value.View _,
          Value.Namespace _ ->
          throw new Fault("a value of type %s cannot be called".formatted(Value.typeName(callee)));
    };
  }

  Arguments arguments(List<Argument> given, Scope scope) {
    List<Value> positional = new ArrayList<>();
    Map<String, Value> named = new LinkedHashMap<>();
    for (Argument argument : given) {
      switch (argument) {
        case Argument.Positional(Expression value) -> positional.add(evaluate(value, scope));
        case Argument.Named(String name, Expression value) ->
            name(name, evaluate(value, scope), named);
        case Argument.Spread(Expression items) ->
            positional.addAll(semantics.sequences().all(evaluate(items, scope)));
        case Argument.SpreadNamed(Expression entries) -> spread(evaluate(entries, scope), named);
      }
    }
    return new Arguments(positional, named);
  }

  private static void name(String name, Value value, Map<String, Value> named) {
    if (named.put(name, value) != null) {
      throw new Fault("the argument '%s' is given twice".formatted(name));
    }
  }

  private static void spread(Value value, Map<String, Value> named) {
    if (!(value instanceof Value.Dict(Map<Value, Value> entries))) {
      throw new Fault("'**' needs a dict, not " + Value.typeName(value));
    }
    entries.forEach((key, entry) -> {
      if (!(key instanceof Value.Text(String name))) {
        throw new Fault("'**' needs names as keys, not " + Value.typeName(key));
      }
      name(name, entry, named);
    });
  }

  private Value filtered(Expression.Filter filter, Scope scope) {
    Value input = evaluate(filter.input(), scope);
    return filters.apply(filter.name(), input, arguments(filter.arguments(), scope));
  }

  private Value tested(Expression.Test test, Scope scope) {
    Value input = evaluate(test.input(), scope);
    Arguments arguments = arguments(test.arguments(), scope);
    return Value.of(semantics.checks().holds(test.name(), input, arguments));
  }

  private Value compared(Expression.Comparison comparison, Scope scope) {
    Value left = evaluate(comparison.first(), scope);
    for (Expression.Compared side : comparison.rest()) {
      Value right = evaluate(side.operand(), scope);
      if (!semantics.comparisons().holds(side.operator(), left, right)) {
        return Value.of(false);
      }
      left = right;
    }
    return Value.of(true);
  }

  private Value concatenated(List<Expression> parts, Scope scope) {
    StringBuilder text = new StringBuilder();
    for (Expression part : parts) {
      String piece = semantics.texts().str(evaluate(part, scope));
      semantics.budget().characters(piece.length());
      text.append(piece);
    }
    return Value.of(text.toString());
  }

  private Value conditional(Expression.Conditional conditional, Scope scope) {
    if (Truth.of(evaluate(conditional.test(), scope))) {
      return evaluate(conditional.then(), scope);
    }
    return conditional
        .otherwise()
        .map(otherwise -> evaluate(otherwise, scope))
        .orElseGet(() -> new Value.Undefined("the other case of an 'if' without 'else'"));
  }
}
