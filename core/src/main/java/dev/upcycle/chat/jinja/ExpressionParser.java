package dev.upcycle.chat.jinja;

import dev.upcycle.chat.jinja.Expression.Argument;
import dev.upcycle.chat.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/// Parses expressions with Jinja's precedence. One thread.
final class ExpressionParser {
  private static final List<String> COMPARISONS = List.of("==", "!=", "<", "<=", ">", ">=");
  private static final List<String> AFTER_A_TEST = List.of("else", "or", "and");

  private final TokenReader tokens;
  private final PrimaryParser primaries;
  private final Consumer<String> namesSeen;

  /// @param namesSeen hears every name that is read
  ExpressionParser(TokenReader tokens, Consumer<String> namesSeen) {
    this.tokens = tokens;
    this.primaries = new PrimaryParser(tokens, this);
    this.namesSeen = namesSeen;
  }

  Consumer<String> namesSeen() {
    return namesSeen;
  }

  Expression expression() {
    tokens.enter();
    try {
      Expression left = or();
      while (tokens.peek().isName("if")) {
        Position at = tokens.next().at();
        Expression test = or();
        Optional<Expression> otherwise =
            tokens.skipName("else") ? Optional.of(expression()) : Optional.empty();
        left = new Expression.Conditional(at, test, left, otherwise);
      }
      return left;
    } finally {
      tokens.leave();
    }
  }

  /// An expression without a `… if … else …` around it.
  Expression or() {
    Expression left = and();
    while (tokens.peek().isName("or")) {
      left = new Expression.Or(tokens.next().at(), left, and());
    }
    return left;
  }

  private Expression and() {
    Expression left = not();
    while (tokens.peek().isName("and")) {
      left = new Expression.And(tokens.next().at(), left, not());
    }
    return left;
  }

  private Expression not() {
    if (!tokens.peek().isName("not")) {
      return comparison();
    }
    tokens.enter();
    Expression negated = new Expression.Not(tokens.next().at(), not());
    tokens.leave();
    return negated;
  }

  private Expression comparison() {
    Position at = tokens.position();
    Expression first = sum();
    List<Expression.Compared> rest = new ArrayList<>();
    for (Optional<String> found = comparing(); found.isPresent(); found = comparing()) {
      rest.add(new Expression.Compared(found.get(), sum()));
    }
    return rest.isEmpty() ? first : new Expression.Comparison(at, first, rest);
  }

  private Optional<String> comparing() {
    if (tokens.skipName("in")) {
      return Optional.of("in");
    }
    if (tokens.peek().isName("not") && tokens.peekSecond().isName("in")) {
      tokens.next();
      tokens.next();
      return Optional.of("not in");
    }
    return tokens.skipOperators(COMPARISONS).map(Token::text);
  }

  private Expression sum() {
    Expression left = concatenation();
    for (Optional<Token> operator = tokens.skipOperators(List.of("+", "-"));
        operator.isPresent();
        operator = tokens.skipOperators(List.of("+", "-"))) {
      left = binary(operator.get(), left, concatenation());
    }
    return left;
  }

  private static Expression binary(Token operator, Expression left, Expression right) {
    return new Expression.Binary(operator.at(), operator.text(), left, right);
  }

  private Expression concatenation() {
    Position at = tokens.position();
    List<Expression> parts = new ArrayList<>(List.of(product()));
    while (tokens.skipOperator("~")) {
      parts.add(product());
    }
    return parts.size() == 1 ? parts.getFirst() : new Expression.Concatenation(at, parts);
  }

  private Expression product() {
    List<String> operators = List.of("*", "/", "//", "%");
    Expression left = power();
    for (Optional<Token> operator = tokens.skipOperators(operators);
        operator.isPresent();
        operator = tokens.skipOperators(operators)) {
      left = binary(operator.get(), left, power());
    }
    return left;
  }

  private Expression power() {
    Expression left = filtered(unary());
    while (tokens.peek().isOperator("**")) {
      left = binary(tokens.next(), left, filtered(unary()));
    }
    return left;
  }

  private Expression unary() {
    Optional<Token> sign = tokens.skipOperators(List.of("-", "+"));
    if (sign.isEmpty()) {
      return postfixed(primaries.primary());
    }
    tokens.enter();
    Expression signed = new Expression.Unary(sign.get().at(), sign.get().text(), unary());
    tokens.leave();
    return postfixed(signed);
  }

  private Expression postfixed(Expression start) {
    Expression node = start;
    while (true) {
      Token token = tokens.peek();
      if (token.isOperator(".")) {
        node = attribute(node);
      } else if (token.isOperator("[")) {
        node = subscript(node);
      } else if (token.isOperator("(")) {
        node = new Expression.Call(token.at(), node, arguments());
      } else {
        return node;
      }
    }
  }

  private Expression filtered(Expression start) {
    Expression node = start;
    while (true) {
      Token token = tokens.peek();
      if (token.isOperator("|")) {
        node = filter(node);
      } else if (token.isName("is")) {
        node = test(node);
      } else if (token.isOperator("(")) {
        node = new Expression.Call(token.at(), node, arguments());
      } else {
        return node;
      }
    }
  }

  private Expression attribute(Expression target) {
    tokens.next();
    Token name = tokens.next();
    return switch (name.kind()) {
      case NAME -> new Expression.Attribute(name.at(), target, name.text());
      case INTEGER -> new Expression.Subscript(name.at(), target, primaries.integer(name));
      case DATA, PRINT_BEGIN, PRINT_END, BLOCK_BEGIN, BLOCK_END, STRING, FLOAT, OPERATOR, END ->
          throw tokens.refuse(name.at(), "expected a name after '.', found " + name.shown());
    };
  }

  private Expression subscript(Expression target) {
    Position at = tokens.next().at();
    Optional<Expression> start = bound();
    if (!tokens.skipOperator(":")) {
      Expression index = start.orElseThrow(() -> tokens.refuse(at, "an index is missing"));
      if (tokens.peek().isOperator(",")) {
        throw tokens.refuse(tokens.position(), "an index of several parts is not covered here");
      }
      tokens.requireOperator("]");
      return new Expression.Subscript(at, target, index);
    }
    Optional<Expression> stop = bound();
    Optional<Expression> step = tokens.skipOperator(":") ? bound() : Optional.empty();
    tokens.requireOperator("]");
    return new Expression.Slice(at, target, new Expression.Bounds(start, stop, step));
  }

  private Optional<Expression> bound() {
    Token token = tokens.peek();
    return token.isOperator(":") || token.isOperator("]")
        ? Optional.empty()
        : Optional.of(expression());
  }

  /// What stands in parentheses after a callee.
  List<Argument> arguments() {
    tokens.requireOperator("(");
    List<Argument> arguments = new ArrayList<>();
    while (!tokens.skipOperator(")")) {
      if (!arguments.isEmpty()) {
        tokens.requireOperator(",");
        if (tokens.skipOperator(")")) {
          break;
        }
      }
      arguments.add(argument(arguments));
    }
    return arguments;
  }

  private Argument argument(List<Argument> before) {
    Position at = tokens.position();
    if (tokens.skipOperator("*")) {
      return new Argument.Spread(expression());
    }
    if (tokens.skipOperator("**")) {
      return new Argument.SpreadNamed(expression());
    }
    if (tokens.peek().is(Kind.NAME) && tokens.peekSecond().isOperator("=")) {
      String name = tokens.next().text();
      tokens.next();
      return new Argument.Named(name, expression());
    }
    if (!before.stream().allMatch(Argument.Positional.class::isInstance)) {
      throw tokens.refuse(at, "an argument without a name follows one with a name");
    }
    return new Argument.Positional(expression());
  }

  /// The filters that stand here, the first without a bar, around `input`.
  Expression filters(Expression input) {
    Expression node = namedFilter(input);
    while (tokens.peek().isOperator("|")) {
      node = filter(node);
    }
    return node;
  }

  private Expression filter(Expression input) {
    tokens.next();
    return namedFilter(input);
  }

  private Expression namedFilter(Expression input) {
    Token name = tokens.require(Kind.NAME, "a filter's name");
    if (!Filters.knows(name.text())) {
      throw tokens.refuse(name.at(), "the filter '%s' is not covered here".formatted(name.text()));
    }
    List<Argument> arguments = tokens.peek().isOperator("(") ? arguments() : List.of();
    return new Expression.Filter(name.at(), input, name.text(), arguments);
  }

  private Expression test(Expression input) {
    tokens.next();
    Optional<Position> negation =
        tokens.peek().isName("not") ? Optional.of(tokens.next().at()) : Optional.empty();
    Token name = tokens.require(Kind.NAME, "a test's name");
    if (!Checks.knows(name.text())) {
      throw tokens.refuse(name.at(), "the test '%s' is not covered here".formatted(name.text()));
    }
    Expression test = new Expression.Test(name.at(), input, name.text(), testArguments());
    return negation.<Expression>map(at -> new Expression.Not(at, test)).orElse(test);
  }

  private List<Argument> testArguments() {
    Token token = tokens.peek();
    if (token.isOperator("(")) {
      return arguments();
    }
    if (!beginsAnOperand(token)) {
      return List.of();
    }
    if (token.isName("is")) {
      throw tokens.refuse(token.at(), "tests cannot be chained by 'is'");
    }
    return List.of(new Argument.Positional(postfixed(primaries.primary())));
  }

  private static boolean beginsAnOperand(Token token) {
    return switch (token.kind()) {
      case NAME -> !AFTER_A_TEST.contains(token.text());
      case STRING, INTEGER, FLOAT -> true;
      case OPERATOR -> token.text().equals("[") || token.text().equals("{");
      case DATA, PRINT_BEGIN, PRINT_END, BLOCK_BEGIN, BLOCK_END, END -> false;
    };
  }
}
