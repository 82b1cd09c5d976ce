package dev.upcycle.chat.jinja;

import dev.upcycle.chat.jinja.Token.Kind;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Parses what an expression begins with: literals, names, parentheses. One thread.
final class PrimaryParser {
  private static final Map<String, Value> CONSTANTS =
      Map.of(
          "true", Value.of(true),
          "True", Value.of(true),
          "false", Value.of(false),
          "False", Value.of(false),
          "none", Value.None.NONE,
          "None", Value.None.NONE);
  private static final Set<String> GLOBALS_LEFT_OUT = Set.of("lipsum", "cycler", "joiner");

  private final TokenReader tokens;
  private final ExpressionParser expressions;

  PrimaryParser(TokenReader tokens, ExpressionParser expressions) {
    this.tokens = tokens;
    this.expressions = expressions;
  }

  Expression primary() {
    Token token = tokens.peek();
    return switch (token.kind()) {
      case NAME -> name(tokens.next());
      case STRING -> string();
      case INTEGER -> integer(tokens.next());
      case FLOAT -> real(tokens.next());
      case OPERATOR -> bracketed();
      case DATA, PRINT_BEGIN, PRINT_END, BLOCK_BEGIN, BLOCK_END, END -> throw expected();
    };
  }

  private TemplateException expected() {
    return tokens.refuse(
        tokens.position(), "expected an expression, found " + tokens.peek().shown());
  }

  private Expression name(Token token) {
    if (CONSTANTS.containsKey(token.text())) {
      return new Expression.Literal(
          token.at(), CONSTANTS.getOrDefault(token.text(), Value.None.NONE));
    }
    if (GLOBALS_LEFT_OUT.contains(token.text())) {
      throw tokens.refuse(token.at(), "'%s' is not covered here".formatted(token.text()));
    }
    expressions.namesSeen().accept(token.text());
    return new Expression.Name(token.at(), token.text());
  }

  private Expression string() {
    Position at = tokens.position();
    StringBuilder text = new StringBuilder();
    while (tokens.peek().is(Kind.STRING)) {
      text.append(tokens.next().text());
    }
    return new Expression.Literal(at, Value.of(text.toString()));
  }

  /// The integer that a token spells.
  Expression integer(Token token) {
    String digits = token.text().replace("_", "");
    int radix =
        switch (digits.length() > 1 ? Character.toLowerCase(digits.charAt(1)) : ' ') {
          case 'x' -> 16;
          case 'o' -> 8;
          case 'b' -> 2;
          default -> 10;
        };
    BigInteger value = new BigInteger(radix == 10 ? digits : digits.substring(2), radix);
    if (value.bitLength() > Budget.BITS) {
      throw tokens.refuse(token.at(), "an integer of more than %d bits".formatted(Budget.BITS));
    }
    return new Expression.Literal(token.at(), new Value.Int(value));
  }

  private Expression real(Token token) {
    double value = Double.parseDouble(token.text().replace("_", ""));
    return new Expression.Literal(token.at(), new Value.Real(value));
  }

  private Expression bracketed() {
    Position at = tokens.position();
    if (tokens.skipOperator("(")) {
      if (tokens.skipOperator(")")) {
        return new Expression.TupleLiteral(at, List.of());
      }
      Expression inside = tuple();
      tokens.requireOperator(")");
      return inside;
    }
    if (tokens.skipOperator("[")) {
      return new Expression.ListLiteral(at, items());
    }
    if (tokens.skipOperator("{")) {
      return new Expression.DictLiteral(at, entries());
    }
    throw expected();
  }

  /// An expression, or several with commas between, which are a tuple.
  Expression tuple() {
    Position at = tokens.position();
    Expression first = expressions.expression();
    if (!tokens.peek().isOperator(",")) {
      return first;
    }
    List<Expression> items = new ArrayList<>(List.of(first));
    while (tokens.skipOperator(",")) {
      if (tupleEnds()) {
        break;
      }
      items.add(expressions.expression());
    }
    return new Expression.TupleLiteral(at, items);
  }

  private boolean tupleEnds() {
    Token token = tokens.peek();
    return token.isOperator(")") || token.is(Kind.BLOCK_END) || token.is(Kind.PRINT_END);
  }

  private List<Expression> items() {
    List<Expression> items = new ArrayList<>();
    while (!tokens.skipOperator("]")) {
      if (!items.isEmpty()) {
        tokens.requireOperator(",");
        if (tokens.skipOperator("]")) {
          break;
        }
      }
      items.add(expressions.expression());
    }
    return items;
  }

  private List<Expression.Entry> entries() {
    List<Expression.Entry> entries = new ArrayList<>();
    while (!tokens.skipOperator("}")) {
      if (!entries.isEmpty()) {
        tokens.requireOperator(",");
        if (tokens.skipOperator("}")) {
          break;
        }
      }
      Expression key = expressions.expression();
      tokens.requireOperator(":");
      entries.add(new Expression.Entry(key, expressions.expression()));
    }
    return entries;
  }
}
