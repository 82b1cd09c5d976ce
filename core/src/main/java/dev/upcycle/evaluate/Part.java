package dev.upcycle.evaluate;

import dev.upcycle.kernels.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/// Some of the scored tokens of a window.
///
/// @param window the whole
/// @param from the first of them, counted from the window's first scored token
/// @param count how many
record Part(Window window, int from, int count) {
  /// All scored tokens, at most `most` at a time.
  static List<Part> of(Window window, int most) {
    List<Part> parts = new ArrayList<>();
    for (int from = 0; from < window.scored(); from += most) {
      parts.add(new Part(window, from, Math.min(most, window.scored() - from)));
    }
    return parts;
  }

  /// Their rows of what predicts the window's scored tokens.
  Tensor rows(Tensor predictors) {
    return predictors.narrow(0, from, count);
  }

  /// Their ids.
  long[] labels(EvaluatedText text) {
    return text.ids(first(), first() + count);
  }

  /// The place of the first of them in the text.
  int first() {
    return window.firstScored() + from;
  }
}
