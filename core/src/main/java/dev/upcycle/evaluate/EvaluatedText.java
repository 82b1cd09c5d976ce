package dev.upcycle.evaluate;

import java.util.List;

/// A text whose tokens are predicted; windows never reach from one text into the next.
///
/// @param name for messages, such as its file
/// @param ids its tokens
public record EvaluatedText(String name, List<Long> ids) {
  /// Takes a copy; refuses a text in which no token has another before it.
  public EvaluatedText {
    ids = List.copyOf(ids);
    if (ids.size() < 2) {
      throw new IllegalArgumentException(
          "%s: %d tokens, and at least 2 are needed to predict one".formatted(name, ids.size()));
    }
  }

  /// Its windows.
  List<Window> windows(Strides strides) {
    return Window.over(ids.size(), strides);
  }
}
