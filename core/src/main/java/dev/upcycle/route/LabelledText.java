package dev.upcycle.route;

import dev.upcycle.data.Tokenizer;
import java.util.List;

/// A text under a label, such as its language or subject.
///
/// @param label several texts may share one
/// @param tokens at least one
public record LabelledText(String label, List<Tokenizer.Token> tokens) {
  /// Takes a copy; refuses a text without tokens.
  public LabelledText {
    tokens = List.copyOf(tokens);
    if (tokens.isEmpty()) {
      throw new IllegalArgumentException(label + ": the text has no tokens");
    }
  }
}
