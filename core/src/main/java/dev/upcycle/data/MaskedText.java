package dev.upcycle.data;

import dev.upcycle.chat.LabelledTokens;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// A sample as a reader sees it: stretches of text that are learned or not.
///
/// @param row where it comes from
/// @param runs in order
public record MaskedText(long row, List<Run> runs) {
  /// Takes a copy.
  public MaskedText {
    runs = List.copyOf(runs);
  }

  /// Tokens in a row that are all learned, or all not.
  ///
  /// @param text what they spell; of an image's places how many there are
  /// @param tokens how many
  public record Run(Kind kind, String text, int tokens) {}

  /// What becomes of tokens.
  public enum Kind {
    LEARNED,
    MASKED,
    /// Places of an image.
    IMAGE
  }

  /// Renders a sample.
  ///
  /// @param placeholder the id of an image's places; empty where there are none
  static MaskedText of(Sample sample, Tokenizer tokenizer, Optional<Long> placeholder) {
    List<Run> runs = new ArrayList<>();
    List<Long> held = new ArrayList<>();
    Tokens tokens = sample.tokens();
    for (int i = 0; i < tokens.length(); i++) {
      held.add(tokens.id(i));
      Kind kind = kind(tokens, i, placeholder);
      if (i + 1 == tokens.length() || kind(tokens, i + 1, placeholder) != kind) {
        runs.add(new Run(kind, text(kind, held, tokenizer), held.size()));
        held.clear();
      }
    }
    return new MaskedText(sample.row(), runs);
  }

  private static Kind kind(Tokens tokens, int place, Optional<Long> placeholder) {
    if (placeholder.isPresent() && placeholder.orElseThrow() == tokens.id(place)) {
      return Kind.IMAGE;
    }
    boolean learned = place > 0 && tokens.label(place) != LabelledTokens.IGNORED;
    return learned ? Kind.LEARNED : Kind.MASKED;
  }

  private static String text(Kind kind, List<Long> ids, Tokenizer tokenizer) {
    return switch (kind) {
      case LEARNED, MASKED -> tokenizer.decode(ids);
      case IMAGE -> "<image: %d places>".formatted(ids.size());
    };
  }
}
