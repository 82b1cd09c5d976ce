package dev.upcycle.evaluate;

import java.util.Arrays;
import java.util.List;

/// A text whose tokens are predicted; windows never reach from one text into the next.
public final class EvaluatedText {
  private final String name;
  private final long[] ids;

  /// Takes a copy; refuses a text in which no token has another before it.
  ///
  /// @param name for messages, such as its file
  /// @param ids its tokens
  public EvaluatedText(String name, long... ids) {
    this.name = name;
    this.ids = ids.clone();
    if (ids.length < 2) {
      throw new IllegalArgumentException(
          "%s: %d tokens, and at least 2 are needed to predict one".formatted(name, ids.length));
    }
  }

  /// What it is called in messages.
  public String name() {
    return name;
  }

  /// How many tokens it has.
  public int tokens() {
    return ids.length;
  }

  /// Whether these are its tokens.
  public boolean has(long... others) {
    return Arrays.equals(ids, others);
  }

  /// Some of its tokens.
  long[] ids(int begin, int end) {
    return Arrays.copyOfRange(ids, begin, end);
  }

  /// Its windows.
  List<Window> windows(Strides strides) {
    return Window.over(ids.length, strides);
  }
}
