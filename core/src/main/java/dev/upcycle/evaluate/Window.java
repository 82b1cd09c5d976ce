package dev.upcycle.evaluate;

import java.util.ArrayList;
import java.util.List;

/// A stretch of a text that a model sees at once, and the tokens of it that are new.
///
/// @param begin its first token
/// @param firstNew the first token that no window before it reached
/// @param end the token after its last
public record Window(int begin, int firstNew, int end) {
  /// Refuses windows without new tokens.
  public Window {
    if (begin < 0 || firstNew < begin || end <= firstNew) {
      throw new IllegalArgumentException(
          "no window from %d to %d with new tokens from %d".formatted(begin, end, firstNew));
    }
  }

  /// The first token whose prediction counts: nothing comes before the window's first.
  public int firstScored() {
    return Math.max(firstNew, begin + 1);
  }

  /// How many tokens it scores.
  public int scored() {
    return end - firstScored();
  }

  /// How many tokens the model sees.
  public int tokens() {
    return end - begin;
  }

  /// The windows of a text, by the strided recipe of transformers' documentation ("Perplexity of
  /// fixed-length models"): each begins `stride` tokens after the one before and scores what that
  /// one did not reach.
  ///
  /// With a stride below the context every token is scored once, but for the first, which nothing
  /// comes before. With a stride equal to the context the first token of each window is not scored.
  ///
  /// @param tokens of the text
  public static List<Window> over(int tokens, Strides strides) {
    List<Window> windows = new ArrayList<>();
    int reached = 0;
    for (int begin = 0; reached < tokens; begin += strides.stride()) {
      int end = begin + Math.min(tokens - begin, strides.context());
      windows.add(new Window(begin, reached, end));
      reached = end;
    }
    return windows;
  }
}
