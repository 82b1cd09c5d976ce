package dev.upcycle.cli.command;

import dev.upcycle.cli.terminal.Terminal;
import dev.upcycle.text.TextModel;
import java.util.OptionalLong;

/// How many tokens a model was made for.
///
/// @param most `max_position_embeddings` of its config, where it has that
record Positions(OptionalLong most) {
  static Positions of(TextModel opened) {
    return new Positions(opened.positions());
  }

  /// Warns when a model is to see more.
  ///
  /// @param what is so long
  void warn(String what, long tokens, Terminal terminal) {
    if (exceededBy(tokens)) {
      terminal.warning(
          "%s: %d tokens, and the model was made for %d (max_position_embeddings); expect worse"
                  .formatted(what, tokens, most.orElseThrow())
              + " text and figures beyond that");
    }
  }

  boolean exceededBy(long tokens) {
    return most.isPresent() && tokens > most.getAsLong();
  }
}
