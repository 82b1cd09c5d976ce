package dev.upcycle.chat.jinja;

import java.util.List;
import java.util.Optional;

/// A parsed expression.
sealed interface Expression {
  /// Where it stands.
  Position at();

  record Literal(Position at, Value value) implements Expression {}

  record Name(Position at, String name) implements Expression {}

  record ListLiteral(Position at, List<Expression> items) implements Expression {}

  record TupleLiteral(Position at, List<Expression> items) implements Expression {}

  record DictLiteral(Position at, List<Entry> entries) implements Expression {}

  record Attribute(Position at, Expression target, String name) implements Expression {}

  record Subscript(Position at, Expression target, Expression index) implements Expression {}

  record Slice(Position at, Expression target, Bounds bounds) implements Expression {}

  record Call(Position at, Expression callee, List<Argument> arguments) implements Expression {}

  record Filter(Position at, Expression input, String name, List<Argument> arguments)
      implements Expression {}

  record Test(Position at, Expression input, String name, List<Argument> arguments)
      implements Expression {}

  record Unary(Position at, String operator, Expression operand) implements Expression {}

  record Binary(Position at, String operator, Expression left, Expression right)
      implements Expression {}

  record And(Position at, Expression left, Expression right) implements Expression {}

  record Or(Position at, Expression left, Expression right) implements Expression {}

  record Not(Position at, Expression operand) implements Expression {}

  record Comparison(Position at, Expression first, List<Compared> rest) implements Expression {}

  record Concatenation(Position at, List<Expression> parts) implements Expression {}

  record Conditional(Position at, Expression test, Expression then, Optional<Expression> otherwise)
      implements Expression {}

  /// A key and its value in a dictionary.
  record Entry(Expression key, Expression value) {}

  /// The three parts of `[start:stop:step]`.
  record Bounds(Optional<Expression> start, Optional<Expression> stop, Optional<Expression> step) {}

  /// One side of a chain such as `a < b <= c`.
  record Compared(String operator, Expression operand) {}

  /// What is handed to a call.
  sealed interface Argument {
    record Positional(Expression value) implements Argument {}

    record Named(String name, Expression value) implements Argument {}

    record Spread(Expression items) implements Argument {}

    record SpreadNamed(Expression entries) implements Argument {}
  }
}
