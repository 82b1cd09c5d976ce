package dev.upcycle.chat.jinja;

import dev.upcycle.chat.jinja.Token.Kind;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Parses a template's statements. One thread.
final class StatementParser {
  private static final Set<String> RESERVED =
      Set.of("true", "True", "false", "False", "none", "None", "loop");

  private final TokenReader tokens;
  private final ExpressionParser expressions;
  private final PrimaryParser primaries;
  private final Deque<Set<String>> macros = new ArrayDeque<>();
  private int loops;
  private int buffers;

  StatementParser(TokenReader tokens) {
    this.tokens = tokens;
    this.expressions = new ExpressionParser(tokens, name -> macros.forEach(seen -> seen.add(name)));
    this.primaries = new PrimaryParser(tokens, expressions);
  }

  /// All statements of the template.
  List<Statement> template() {
    List<Statement> statements = statements(Set.of());
    if (!tokens.peek().is(Kind.END)) {
      throw tokens.refuse(tokens.position(), "unexpected " + tokens.peek().shown());
    }
    return statements;
  }

  /// Statements up to a block that begins with one of these names, which is the next token then.
  private List<Statement> statements(Set<String> ends) {
    List<Statement> statements = new ArrayList<>();
    while (!tokens.peek().is(Kind.END)) {
      Token token = tokens.next();
      switch (token.kind()) {
        case DATA -> statements.add(new Statement.Data(token.at(), token.text()));
        case PRINT_BEGIN -> {
          statements.add(new Statement.Print(token.at(), primaries.tuple()));
          tokens.require(Kind.PRINT_END, "'}}'");
        }
        case BLOCK_BEGIN -> {
          if (ends.contains(tokens.peek().text()) && tokens.peek().is(Kind.NAME)) {
            return statements;
          }
          statements.add(block());
        }
        case PRINT_END, BLOCK_END, NAME, STRING, INTEGER, FLOAT, OPERATOR, END ->
            throw tokens.refuse(token.at(), "unexpected " + token.shown());
      }
    }
    if (!ends.isEmpty()) {
      throw tokens.refuse(
          tokens.position(),
          "the template ends where '%s' is missing".formatted(String.join("' or '", sorted(ends))));
    }
    return statements;
  }

  private static List<String> sorted(Set<String> names) {
    return names.stream().sorted().toList();
  }

  private Statement block() {
    tokens.enter();
    Token name = tokens.require(Kind.NAME, "a statement");
    Position at = name.at();
    Statement statement =
        switch (name.text()) {
          case "if" -> conditional(at);
          case "for" -> loop(at);
          case "set" -> assignment(at);
          case "macro" -> macro(at);
          case "call" -> call(at);
          case "filter" -> filter(at);
          case "with" -> with(at);
          case "generation" -> generation(at);
          case "break" -> inLoop(new Statement.Break(at), name);
          case "continue" -> inLoop(new Statement.Continue(at), name);
          default -> throw unknown(name);
        };
    tokens.require(Kind.BLOCK_END, "'%}'");
    tokens.leave();
    return statement;
  }

  private TemplateException unknown(Token name) {
    boolean misplaced =
        name.text().startsWith("end") || Set.of("else", "elif").contains(name.text());
    return tokens.refuse(
        name.at(),
        (misplaced
                ? "nothing is open that '%s' belongs to"
                : "the statement '%s' is not covered here")
            .formatted(name.text()));
  }

  private Statement inLoop(Statement statement, Token name) {
    if (loops == 0) {
      throw tokens.refuse(name.at(), "'%s' outside a loop's own body".formatted(name.text()));
    }
    return statement;
  }

  private List<Statement> body(String... ends) {
    tokens.require(Kind.BLOCK_END, "'%}'");
    return statements(Set.of(ends));
  }

  /// A body whose text is caught: loops outside cannot be left from it.
  private List<Statement> caughtBody(String end) {
    int outside = loops;
    loops = 0;
    buffers++;
    List<Statement> body = body(end);
    tokens.next();
    buffers--;
    loops = outside;
    return body;
  }

  private Statement conditional(Position at) {
    List<Statement.Branch> branches = new ArrayList<>();
    List<Statement> otherwise = List.of();
    boolean open = true;
    while (open) {
      Expression test = expressions.or();
      branches.add(new Statement.Branch(test, body("elif", "else", "endif")));
      Token next = tokens.next();
      if (next.isName("else")) {
        otherwise = body("endif");
        tokens.next();
      }
      open = next.isName("elif");
    }
    return new Statement.If(at, branches, otherwise);
  }

  private Statement loop(Position at) {
    Statement.Target target = target();
    tokens.requireName("in");
    Expression items = expressions.or();
    if (tokens.peek().isOperator(",")) {
      throw tokens.refuse(
          tokens.position(), "a loop over a tuple without parentheses is not covered here");
    }
    Optional<Expression> filter =
        tokens.skipName("if") ? Optional.of(expressions.expression()) : Optional.empty();
    if (tokens.peek().isName("recursive")) {
      throw tokens.refuse(tokens.position(), "a recursive loop is not covered here");
    }
    loops++;
    List<Statement> body = body("else", "endfor");
    loops--;
    List<Statement> otherwise = List.of();
    if (tokens.next().isName("else")) {
      otherwise = body("endfor");
      tokens.next();
    }
    return new Statement.For(at, target, new Statement.Source(items, filter), body, otherwise);
  }

  private Statement assignment(Position at) {
    Statement.Target target = target();
    if (tokens.skipOperator("=")) {
      return new Statement.Assign(at, target, primaries.tuple());
    }
    Expression value = new Expression.Name(at, Statement.BODY);
    if (tokens.skipOperator("|")) {
      value = expressions.filters(value);
    }
    return new Statement.SetBlock(at, target, value, caughtBody("endset"));
  }

  private Statement.Target target() {
    Position at = tokens.position();
    boolean parenthesised = tokens.skipOperator("(");
    List<Statement.Target> targets = new ArrayList<>(List.of(singleTarget()));
    boolean several = tokens.peek().isOperator(",");
    while (tokens.skipOperator(",") && tokens.peek().is(Kind.NAME)) {
      targets.add(singleTarget());
    }
    if (parenthesised) {
      tokens.requireOperator(")");
    }
    if (tokens.peek().isOperator("(")) {
      throw tokens.refuse(at, "this cannot be assigned to");
    }
    return several ? new Statement.Target.Unpacked(targets) : targets.getFirst();
  }

  private Statement.Target singleTarget() {
    Token name = tokens.require(Kind.NAME, "a name to assign to");
    if (RESERVED.contains(name.text())) {
      throw tokens.refuse(name.at(), "'%s' cannot be assigned to".formatted(name.text()));
    }
    if (!tokens.skipOperator(".")) {
      return new Statement.Target.Name(name.text());
    }
    Token attribute = tokens.require(Kind.NAME, "an attribute's name");
    if (attribute.text().startsWith("_")) {
      throw tokens.refuse(attribute.at(), Attributes.hidden(attribute.text()));
    }
    return new Statement.Target.Attribute(name.at(), name.text(), attribute.text());
  }

  private Statement macro(Position at) {
    String name = tokens.require(Kind.NAME, "the macro's name").text();
    return new Statement.DefineMacro(at, macroNamed(name, parameters(), "endmacro"));
  }

  private Statement.Macro macroNamed(
      String name, List<Statement.Parameter> parameters, String end) {
    Set<String> seen = new HashSet<>();
    macros.push(seen);
    List<Statement> body = caughtBody(end);
    macros.pop();
    parameters.forEach(parameter -> seen.remove(parameter.name()));
    seen.retainAll(Set.of("caller", "varargs", "kwargs"));
    return new Statement.Macro(name, parameters, body, Set.copyOf(seen));
  }

  private List<Statement.Parameter> parameters() {
    List<Statement.Parameter> parameters = new ArrayList<>();
    tokens.requireOperator("(");
    while (!tokens.skipOperator(")")) {
      if (!parameters.isEmpty()) {
        tokens.requireOperator(",");
      }
      Token name = tokens.require(Kind.NAME, "a parameter");
      Optional<Expression> fallback =
          tokens.skipOperator("=") ? Optional.of(expressions.expression()) : Optional.empty();
      if (fallback.isEmpty() && parameters.stream().anyMatch(p -> p.fallback().isPresent())) {
        throw tokens.refuse(name.at(), "a parameter without a default follows one with a default");
      }
      parameters.add(new Statement.Parameter(name.text(), fallback));
    }
    return parameters;
  }

  private Statement call(Position at) {
    List<Statement.Parameter> parameters = tokens.peek().isOperator("(") ? parameters() : List.of();
    Position calleeAt = tokens.position();
    if (!(expressions.expression() instanceof Expression.Call call)) {
      throw tokens.refuse(calleeAt, "'call' needs a call");
    }
    return new Statement.CallBlock(at, macroNamed("caller", parameters, "endcall"), call);
  }

  private Statement filter(Position at) {
    Expression value = expressions.filters(new Expression.Name(at, Statement.BODY));
    return new Statement.FilterBlock(at, value, caughtBody("endfilter"));
  }

  private Statement with(Position at) {
    List<Statement.Binding> bindings = new ArrayList<>();
    while (!tokens.peek().is(Kind.BLOCK_END)) {
      if (!bindings.isEmpty()) {
        tokens.requireOperator(",");
      }
      Statement.Target target =
          new Statement.Target.Name(tokens.require(Kind.NAME, "a name to assign to").text());
      tokens.requireOperator("=");
      bindings.add(new Statement.Binding(target, expressions.expression()));
    }
    List<Statement> body = body("endwith");
    tokens.next();
    return new Statement.With(at, bindings, body);
  }

  private Statement generation(Position at) {
    if (buffers > 0) {
      throw tokens.refuse(
          at, "'generation' inside a block whose text is caught is not covered here");
    }
    return new Statement.Generation(at, caughtBody("endgeneration"));
  }
}
