package dev.upcycle.chat.jinja;

import java.time.LocalDateTime;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// A parsed template; any thread can render it.
public final class Template {
  private static final int LARGEST = 1 << 20;

  private final String name;
  private final List<Statement> statements;

  private Template(String name, List<Statement> statements) {
    this.name = name;
    this.statements = List.copyOf(statements);
  }

  /// Parses a template.
  ///
  /// @param name what messages call it, such as its file
  /// @throws TemplateException when it is wrong or uses what is not covered
  public static Template parse(String name, String source) {
    Position start = new Position(1, 1);
    if (source.length() > LARGEST) {
      throw new TemplateException(
          name, start, "%,d characters; at most %,d are read".formatted(source.length(), LARGEST));
    }
    try {
      List<Token> tokens = new Lexer(name, source).tokens();
      return new Template(name, new StatementParser(new TokenReader(name, tokens)).template());
    } catch (StackOverflowError e) {
      throw new TemplateException(name, start, "the template is nested too deeply");
    }
  }

  /// A stretch of what was rendered, in Java's characters.
  ///
  /// @param start its first
  /// @param end the one after its last
  public record Span(int start, int end) {
    /// Refuses an end before the start.
    public Span {
      if (start < 0 || end < start) {
        throw new IllegalArgumentException("no span from %d to %d".formatted(start, end));
      }
    }
  }

  /// What a template made.
  ///
  /// @param text all of it
  /// @param generated what its `generation` blocks wrote, which is what the model says
  public record Rendering(String text, List<Span> generated) {
    /// Takes a copy.
    public Rendering {
      generated = List.copyOf(generated);
    }
  }

  /// Renders the template.
  ///
  /// @param variables what it sees beside Jinja's functions
  /// @param now what `strftime_now` tells
  /// @throws TemplateException when it refuses, fails, or goes past a limit
  public Rendering render(Map<String, Value> variables, LocalDateTime now) {
    Semantics semantics = Semantics.of(new Budget());
    Map<String, Value> values = new LinkedHashMap<>(new Globals(semantics, now).values());
    values.putAll(variables);
    return new Renderer(new Evaluator(name, semantics)).render(statements, Scope.of(values));
  }

  /// What messages call it.
  public String name() {
    return name;
  }
}
