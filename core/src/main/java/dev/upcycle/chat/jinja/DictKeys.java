package dev.upcycle.chat.jinja;

import java.math.BigInteger;

/// Which values can be keys: text, integers and `None`.
final class DictKeys {
  private DictKeys() {}

  /// The key that a value is; a truth value is the integer that it equals.
  static Value of(Value value) {
    return switch (value) {
      case Value.Text _, Value.Int _, Value.None _ -> value;
      case Value.Safe(String text) -> Value.of(text);
      case Value.Bool(boolean truth) -> new Value.Int(truth ? BigInteger.ONE : BigInteger.ZERO);
      case Value.Undefined(String what) -> throw new Fault(what + " is undefined");
      case Value.Real _,
          Value.Items _,
          Value.Tuple _,
          Value.Dict _,
          Value.Range _,
          Value.Stream _,
          Value.View _,
          Value.Namespace _,
          Value.Loop _,
          Value.Callable _ ->
          throw Fault.notCovered("a key of type " + Value.typeName(value));
    };
  }

  /// The key of an entry that a template makes.
  static Value ofEntry(Value value) {
    if (value instanceof Value.Bool || value instanceof Value.Safe) {
      throw Fault.notCovered("a key of type " + Value.typeName(value));
    }
    return of(value);
  }
}
