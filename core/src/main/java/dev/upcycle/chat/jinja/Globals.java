package dev.upcycle.chat.jinja;

import java.time.LocalDateTime;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.IntStream;

/// The functions that every chat template finds, those of transformers included. One thread.
final class Globals {
  private final Semantics semantics;
  private final LocalDateTime now;

  /// @param now what `strftime_now` tells
  Globals(Semantics semantics, LocalDateTime now) {
    this.semantics = semantics;
    this.now = now;
  }

  Map<String, Value> values() {
    Map<String, Value> values = new LinkedHashMap<>();
    values.put("range", new Value.Callable("range", this::range));
    values.put("dict", new Value.Callable("dict", semantics.attributes()::newDict));
    values.put("namespace", new Value.Callable("namespace", this::namespace));
    values.put("raise_exception", new Value.Callable("raise_exception", this::refuse));
    values.put("strftime_now", new Value.Callable("strftime_now", this::date));
    return values;
  }

  private Value range(Arguments arguments) {
    Arguments.Given given = arguments.bindPositional("range", "start", "stop", "step");
    boolean single = given.find("stop").isEmpty();
    given.require("start");
    int start = single ? 0 : given.findInteger("start").orElse(0);
    int stop = given.findInteger(single ? "start" : "stop").orElse(0);
    int step = given.findInteger("step").orElse(1);
    if (step == 0) {
      throw new Fault("range needs a step that is not zero");
    }
    long distance = step > 0 ? (long) stop - start : (long) start - stop;
    long size = distance <= 0 ? 0 : (distance - 1) / Math.abs((long) step) + 1;
    if (size > Budget.RANGE) {
      throw new Fault("a range of %,d numbers; %,d are allowed".formatted(size, Budget.RANGE));
    }
    semantics.budget().places(size);
    return new Value.Range(
        IntStream.range(0, (int) size)
            .<Value>mapToObj(i -> Value.Int.of(start + (long) i * step))
            .toList());
  }

  private Value namespace(Arguments arguments) {
    Map<String, Value> attributes = new LinkedHashMap<>();
    if (semantics.attributes().newDict(arguments) instanceof Value.Dict(var entries)) {
      entries.forEach((key, value) -> attributes.put(attributeName(key), value));
    }
    return new Value.Namespace(attributes);
  }

  private static String attributeName(Value key) {
    if (!(key instanceof Value.Text(String name))) {
      throw Fault.notCovered("a namespace's attribute named by " + Value.typeName(key));
    }
    if (name.startsWith("_")) {
      throw new Fault(Attributes.hidden(name));
    }
    return name;
  }

  private Value refuse(Arguments arguments) {
    Value message = arguments.bind("raise_exception", "message").require("message");
    throw new Fault("the template refuses: " + semantics.texts().str(message));
  }

  private Value date(Arguments arguments) {
    String format = arguments.bind("strftime_now", "format").requireText("format");
    semantics.budget().characters(10L * format.length());
    return Value.of(DateFormat.of(format, now));
  }
}
