package dev.upcycle.chat.jinja;

import dev.upcycle.chat.jinja.Token.Kind;
import java.util.List;
import java.util.Optional;

/// Tokens one after the other. One thread.
final class TokenReader {
  // Far below what the thread's stack holds: a level is about twelve calls.
  private static final int NESTING = 60;

  private final String template;
  private final List<Token> tokens;
  private int place;
  private int nesting;

  /// @param template its name, for messages
  /// @param tokens the last is an [Kind#END]
  TokenReader(String template, List<Token> tokens) {
    this.template = template;
    this.tokens = List.copyOf(tokens);
  }

  Token peek() {
    return tokens.get(place);
  }

  Token peekSecond() {
    return tokens.get(Math.min(place + 1, tokens.size() - 1));
  }

  Position position() {
    return peek().at();
  }

  Token next() {
    Token token = peek();
    if (!token.is(Kind.END)) {
      place++;
    }
    return token;
  }

  boolean skipName(String name) {
    return skip(peek().isName(name));
  }

  boolean skipOperator(String operator) {
    return skip(peek().isOperator(operator));
  }

  private boolean skip(boolean wanted) {
    if (wanted) {
      next();
    }
    return wanted;
  }

  /// The operator here if it is one of these; it is passed.
  Optional<Token> skipOperators(List<String> operators) {
    Token token = peek();
    return skip(token.is(Kind.OPERATOR) && operators.contains(token.text()))
        ? Optional.of(token)
        : Optional.empty();
  }

  Token require(Kind kind, String called) {
    return peek().is(kind) ? next() : unexpected(called);
  }

  void requireOperator(String operator) {
    if (!skipOperator(operator)) {
      unexpected("'" + operator + "'");
    }
  }

  void requireName(String name) {
    if (!skipName(name)) {
      unexpected("'" + name + "'");
    }
  }

  Token unexpected(String expected) {
    throw refuse(peek().at(), "expected %s, found %s".formatted(expected, peek().shown()));
  }

  TemplateException refuse(Position at, String message) {
    return new TemplateException(template, at, message);
  }

  /// Goes a level deeper; [#leave] comes back.
  void enter() {
    nesting++;
    if (nesting > NESTING) {
      throw refuse(position(), "nested more than %d levels deep".formatted(NESTING));
    }
  }

  void leave() {
    nesting--;
  }
}
