package dev.upcycle.chat.jinja;

/// Which values count as true.
final class Truth {
  private Truth() {}

  static boolean of(Value value) {
    return switch (value) {
      case Value.None _, Value.Undefined _ -> false;
      case Value.Bool(boolean truth) -> truth;
      case Value.Int(var number) -> number.signum() != 0;
      case Value.Real(double number) -> number != 0;
      case Value.Text(String text) -> !text.isEmpty();
      case Value.Safe(String text) -> !text.isEmpty();
      case Value.Items(var items) -> !items.isEmpty();
      case Value.Tuple(var items) -> !items.isEmpty();
      case Value.Dict(var entries) -> !entries.isEmpty();
      case Value.Range(var items) -> !items.isEmpty();
      case Value.View(var _, var items) -> !items.isEmpty();
      case Value.Stream _, Value.Namespace _, Value.Loop _, Value.Callable _ -> true;
    };
  }
}
