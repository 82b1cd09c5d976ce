package dev.upcycle.chat.jinja;

import dev.upcycle.chat.jinja.Statement.Target;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;

/// Runs statements and gathers what they write. One thread.
final class Renderer {
  private final Evaluator evaluator;
  private final Macros macros;
  private final List<Template.Span> spans = new ArrayList<>();
  private StringBuilder out = new StringBuilder();

  Renderer(Evaluator evaluator) {
    this.evaluator = evaluator;
    this.macros = new Macros(evaluator, this);
  }

  private enum Flow {
    NEXT,
    BREAK,
    CONTINUE
  }

  Template.Rendering render(List<Statement> statements, Scope scope) {
    all(statements, scope);
    return new Template.Rendering(out.toString(), spans);
  }

  /// What statements write, caught.
  String caught(List<Statement> statements, Scope scope) {
    StringBuilder outside = out;
    out = new StringBuilder();
    all(statements, scope);
    String text = out.toString();
    out = outside;
    return text;
  }

  private Flow all(List<Statement> statements, Scope scope) {
    for (Statement statement : statements) {
      Flow flow = run(statement, scope);
      if (flow != Flow.NEXT) {
        return flow;
      }
    }
    return Flow.NEXT;
  }

  private Flow run(Statement statement, Scope scope) {
    try {
      evaluator.semantics().budget().step();
      return execute(statement, scope);
    } catch (Fault fault) {
      throw evaluator.located(fault, statement.at());
    } catch (StackOverflowError e) {
      throw evaluator.located(new Fault("values are nested too deeply"), statement.at());
    }
  }

  private Flow execute(Statement statement, Scope scope) {
    switch (statement) {
      case Statement.Data data -> write(data.text());
      case Statement.Print print -> write(text(evaluator.evaluate(print.value(), scope)));
      case Statement.If choice -> {
        return choose(choice, scope);
      }
      case Statement.For loop -> {
        return loop(loop, scope);
      }
      case Statement.Assign set ->
          assign(set.target(), evaluator.evaluate(set.value(), scope), scope);
      case Statement.SetBlock set ->
          assign(set.target(), block(set.value(), set.body(), scope), scope);
      case Statement.DefineMacro macro ->
          scope.set(macro.macro().name(), macros.callable(macro.macro(), scope));
      case Statement.CallBlock call -> write(text(macros.call(call, scope)));
      case Statement.FilterBlock filter -> write(text(block(filter.value(), filter.body(), scope)));
      case Statement.With with -> {
        return with(with, scope);
      }
      case Statement.Generation generation -> generation(generation, scope);
      case Statement.Break _ -> {
        return Flow.BREAK;
      }
      case Statement.Continue _ -> {
        return Flow.CONTINUE;
      }
    }
    return Flow.NEXT;
  }

  private String text(Value value) {
    return evaluator.semantics().texts().str(value);
  }

  private void write(String text) {
    evaluator.semantics().budget().characters(text.length());
    out.append(text);
  }

  private Flow choose(Statement.If choice, Scope scope) {
    for (Statement.Branch branch : choice.branches()) {
      if (Truth.of(evaluator.evaluate(branch.test(), scope))) {
        return all(branch.body(), scope);
      }
    }
    return all(choice.otherwise(), scope);
  }

  private Value block(Expression value, List<Statement> body, Scope scope) {
    Scope inner = scope.inner();
    String text = caught(body, inner);
    Scope around = scope.inner();
    around.set(Statement.BODY, Value.of(text));
    return evaluator.evaluate(value, around);
  }

  private Flow with(Statement.With with, Scope scope) {
    Scope inner = scope.inner();
    for (Statement.Binding binding : with.bindings()) {
      assign(binding.target(), evaluator.evaluate(binding.value(), scope), inner);
    }
    return all(with.body(), inner);
  }

  private void generation(Statement.Generation generation, Scope scope) {
    int start = out.length();
    all(generation.body(), scope.inner());
    spans.add(new Template.Span(start, out.length()));
  }

  private Flow loop(Statement.For loop, Scope scope) {
    List<Value> items = chosen(loop, scope);
    if (items.isEmpty()) {
      return all(loop.otherwise(), scope.inner());
    }
    LoopState state = new LoopState(items, 0);
    for (int place = 0; place < items.size(); place++) {
      evaluator.semantics().budget().step();
      state.moveTo(place);
      Scope inner = scope.inner();
      inner.set("loop", new Value.Loop(state));
      assign(loop.target(), items.get(place), inner);
      if (all(loop.body(), inner) == Flow.BREAK) {
        break;
      }
    }
    return Flow.NEXT;
  }

  private List<Value> chosen(Statement.For loop, Scope scope) {
    List<Value> items =
        evaluator.semantics().sequences().all(evaluator.evaluate(loop.source().items(), scope));
    Optional<Expression> filter = loop.source().filter();
    if (filter.isEmpty()) {
      return items;
    }
    List<Value> chosen = new ArrayList<>();
    for (Value item : items) {
      Scope inner = scope.inner();
      assign(loop.target(), item, inner);
      if (Truth.of(evaluator.evaluate(filter.get(), inner))) {
        chosen.add(item);
      }
    }
    return chosen;
  }

  private void assign(Target target, Value value, Scope scope) {
    switch (target) {
      case Target.Name(String name) -> scope.set(name, value);
      case Target.Attribute attribute -> assign(attribute, value, scope);
      case Target.Unpacked(List<Target> targets) -> unpack(targets, value, scope);
    }
  }

  private static void assign(Target.Attribute target, Value value, Scope scope) {
    Value namespace = scope.find(target.namespace()).orElse(Value.None.NONE);
    if (!(namespace instanceof Value.Namespace(var attributes))) {
      throw new Fault(
          "'%s' is no namespace: its attributes cannot be set".formatted(target.namespace()));
    }
    attributes.put(target.name(), value);
  }

  private void unpack(List<Target> targets, Value value, Scope scope) {
    List<Value> items = evaluator.semantics().sequences().all(value);
    if (items.size() != targets.size()) {
      throw new Fault("%d names for %d values".formatted(targets.size(), items.size()));
    }
    Iterator<Value> rest = items.iterator();
    targets.forEach(target -> assign(target, rest.next(), scope));
  }
}
