package dev.upcycle.generate;

import java.util.List;

/// What a model said.
///
/// @param prompt the tokens before
/// @param tokens the tokens it added, an end of sequence included
/// @param stop why it ended
/// @param tokensPerSecond of the added tokens after the first, which pays for the prompt
public record Generation(List<Long> prompt, List<Long> tokens, Stop stop, double tokensPerSecond) {
  /// Takes copies.
  public Generation {
    prompt = List.copyOf(prompt);
    tokens = List.copyOf(tokens);
  }

  /// Why generation ended.
  public enum Stop {
    /// The model said that nothing follows.
    END_OF_SEQUENCE,
    /// As many tokens as were asked for.
    LENGTH
  }

  /// The tokens it added without the end of sequence.
  public List<Long> said() {
    return switch (stop) {
      case END_OF_SEQUENCE -> tokens.subList(0, tokens.size() - 1);
      case LENGTH -> tokens;
    };
  }
}
