package dev.upcycle.chat.jinja;

import java.math.BigInteger;
import java.util.Collections;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// What a template computes with: Python's values, none of them changeable but a [Namespace].
public sealed interface Value {
  /// Python's `None`.
  enum None implements Value {
    NONE
  }

  /// A name, key or attribute that is not there.
  ///
  /// @param what it is called in messages
  record Undefined(String what) implements Value {}

  /// `True` or `False`.
  record Bool(boolean value) implements Value {}

  /// An integer of any size.
  record Int(BigInteger value) implements Value {
    static Int of(long value) {
      return new Int(BigInteger.valueOf(value));
    }
  }

  /// A floating-point number.
  record Real(double value) implements Value {}

  /// Text; counted and indexed by code points.
  record Text(String value) implements Value {}

  /// Text marked by the filter `safe`; adding to it would escape the other side.
  record Safe(String value) implements Value {}

  /// A list.
  record Items(List<Value> items) implements Value {
    /// Takes a copy.
    public Items {
      items = List.copyOf(items);
    }
  }

  /// A tuple.
  record Tuple(List<Value> items) implements Value {
    /// Takes a copy.
    public Tuple {
      items = List.copyOf(items);
    }
  }

  /// A dictionary in order of insertion; keys are text, integers or `None`.
  record Dict(Map<Value, Value> entries) implements Value {
    /// Takes a copy.
    public Dict {
      entries = Collections.unmodifiableMap(new LinkedHashMap<>(entries));
    }
  }

  /// What `range` gives; at most [Budget#RANGE] numbers.
  record Range(List<Value> items) implements Value {
    /// Takes a copy.
    public Range {
      items = List.copyOf(items);
    }
  }

  /// Items that can be gone through once, such as what the filter `map` gives.
  record Stream(Iterator<Value> rest) implements Value {}

  /// The view of a dictionary that `keys`, `values` and `items` give.
  record View(String kind, List<Value> items) implements Value {
    /// Takes a copy.
    public View {
      items = List.copyOf(items);
    }
  }

  /// What `namespace` gives: the one value whose attributes a template can set.
  record Namespace(Map<String, Value> attributes) implements Value {}

  /// The `loop` of a loop.
  record Loop(LoopState state) implements Value {}

  /// Something that can be called.
  record Callable(String name, Body body) implements Value {
    /// What a call does.
    interface Body {
      Value call(Arguments arguments);
    }
  }

  /// Text.
  static Value of(String text) {
    return new Text(text);
  }

  /// A truth value.
  static Value of(boolean truth) {
    return new Bool(truth);
  }

  /// What messages call a value's type: Python's name for it.
  static String typeName(Value value) {
    return switch (value) {
      case None _ -> "None";
      case Undefined _ -> "undefined";
      case Bool _ -> "bool";
      case Int _ -> "int";
      case Real _ -> "float";
      case Text _ -> "str";
      case Safe _ -> "safe text";
      case Items _ -> "list";
      case Tuple _ -> "tuple";
      case Dict _ -> "dict";
      case Range _ -> "range";
      case Stream _ -> "generator";
      case View view -> view.kind();
      case Namespace _ -> "namespace";
      case Loop _ -> "loop";
      case Callable _ -> "function";
    };
  }
}
