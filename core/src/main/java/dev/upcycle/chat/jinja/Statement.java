package dev.upcycle.chat.jinja;

import java.util.List;
import java.util.Optional;
import java.util.Set;

/// A parsed statement.
sealed interface Statement {
  /// The name under which a block's text stands for the filters that take it; no template can spell
  /// it.
  String BODY = "the block's text";

  /// Where it stands.
  Position at();

  record Data(Position at, String text) implements Statement {}

  record Print(Position at, Expression value) implements Statement {}

  record If(Position at, List<Branch> branches, List<Statement> otherwise) implements Statement {}

  record For(
      Position at, Target target, Source source, List<Statement> body, List<Statement> otherwise)
      implements Statement {}

  record Assign(Position at, Target target, Expression value) implements Statement {}

  record SetBlock(Position at, Target target, Expression value, List<Statement> body)
      implements Statement {}

  record DefineMacro(Position at, Macro macro) implements Statement {}

  record CallBlock(Position at, Macro caller, Expression.Call call) implements Statement {}

  record FilterBlock(Position at, Expression value, List<Statement> body) implements Statement {}

  record With(Position at, List<Binding> bindings, List<Statement> body) implements Statement {}

  record Generation(Position at, List<Statement> body) implements Statement {}

  record Break(Position at) implements Statement {}

  record Continue(Position at) implements Statement {}

  /// What a loop goes through.
  record Source(Expression items, Optional<Expression> filter) {}

  /// A condition and what it leads to.
  record Branch(Expression test, List<Statement> body) {}

  /// A name of a `with` and its value.
  record Binding(Target target, Expression value) {}

  /// A macro.
  ///
  /// @param specials which of `caller`, `varargs` and `kwargs` its body uses
  record Macro(
      String name, List<Parameter> parameters, List<Statement> body, Set<String> specials) {}

  /// A parameter of a macro.
  record Parameter(String name, Optional<Expression> fallback) {}

  /// What is assigned to.
  sealed interface Target {
    record Name(String name) implements Target {}

    record Attribute(Position at, String namespace, String name) implements Target {}

    record Unpacked(List<Target> targets) implements Target {}
  }
}
