package dev.upcycle.chat.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// What Python's `json.dumps` writes. One thread.
final class JsonText {
  /// How it is written.
  ///
  /// @param indent what one level is indented by; empty for one line
  /// @param item what stands between items
  /// @param key what stands between a key and its value
  record Style(Optional<String> indent, String item, String key, Keys keys, Letters letters) {}

  /// In which order keys come.
  enum Keys {
    AS_THEY_ARE,
    SORTED
  }

  /// Which characters stand for themselves.
  enum Letters {
    ALL,
    ASCII
  }

  private final Budget budget;
  private final Style style;
  private final StringBuilder out = new StringBuilder();

  private JsonText(Budget budget, Style style) {
    this.budget = budget;
    this.style = style;
  }

  static String of(Value value, Style style, Budget budget) {
    JsonText text = new JsonText(budget, style);
    text.write(value, 0);
    return text.out.toString();
  }

  private void write(Value value, int level) {
    budget.step();
    switch (value) {
      case Value.None _ -> add("null");
      case Value.Bool(boolean truth) -> add(truth ? "true" : "false");
      case Value.Int(var number) -> add(number.toString());
      case Value.Real(double number) -> add(real(number));
      case Value.Text(String text) -> string(text);
      case Value.Safe(String text) -> string(text);
      case Value.Items(List<Value> items) -> array(items, level);
      case Value.Tuple(List<Value> items) -> array(items, level);
      case Value.Dict(Map<Value, Value> entries) -> object(entries, level);
      case Value.Undefined(String what) -> throw new Fault(what + " is undefined");
      case Value.Range _,
          Value.Stream _,
          Value.View _,
          Value.Namespace _,
          Value.Loop _,
          Value.Callable _ ->
          throw new Fault("JSON has no value of type " + Value.typeName(value));
    }
  }

  private void add(String text) {
    budget.characters(text.length());
    out.append(text);
  }

  private static String real(double number) {
    if (Double.isNaN(number)) {
      return "NaN";
    }
    return Double.isInfinite(number)
        ? (number > 0 ? "Infinity" : "-Infinity")
        : PythonText.real(number);
  }

  private void array(List<Value> items, int level) {
    if (items.isEmpty()) {
      add("[]");
      return;
    }
    add("[");
    for (int i = 0; i < items.size(); i++) {
      add(i == 0 ? "" : style.item());
      line(level + 1);
      write(items.get(i), level + 1);
    }
    line(level);
    add("]");
  }

  private void object(Map<Value, Value> entries, int level) {
    if (entries.isEmpty()) {
      add("{}");
      return;
    }
    add("{");
    String separator = "";
    for (Map.Entry<String, Value> entry : named(entries)) {
      add(separator);
      line(level + 1);
      string(entry.getKey());
      add(style.key());
      write(entry.getValue(), level + 1);
      separator = style.item();
    }
    line(level);
    add("}");
  }

  private List<Map.Entry<String, Value>> named(Map<Value, Value> entries) {
    List<Map.Entry<String, Value>> named = new ArrayList<>();
    entries.forEach((key, value) -> {
      if (!(key instanceof Value.Text(String name))) {
        throw Fault.notCovered("a JSON key of type " + Value.typeName(key));
      }
      named.add(Map.entry(name, value));
    });
    if (style.keys() == Keys.SORTED) {
      named.sort(Map.Entry.comparingByKey(Comparisons::byCodePoints));
    }
    return named;
  }

  private void line(int level) {
    style
        .indent()
        .ifPresent(indent -> {
          budget.characters((long) level * indent.length() + 1);
          out.append('\n').append(indent.repeat(level));
        });
  }

  private void string(String text) {
    budget.characters(text.length());
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      character(text.charAt(i));
    }
    out.append('"');
  }

  private void character(char character) {
    switch (character) {
      case '"' -> out.append("\\\"");
      case '\\' -> out.append("\\\\");
      case '\n' -> out.append("\\n");
      case '\r' -> out.append("\\r");
      case '\t' -> out.append("\\t");
      case '\f' -> out.append("\\f");
      case '\b' -> out.append("\\b");
      default -> {
        boolean ascii = style.letters() == Letters.ASCII && character > 0x7e;
        if (character < 0x20 || ascii) {
          out.append("\\u%04x".formatted((int) character));
        } else {
          out.append(character);
        }
      }
    }
  }
}
