package dev.upcycle.chat;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// What was said, and about which image.
///
/// @param turns in order; at least one
/// @param image where the image lies, as the data names it
public record Conversation(List<Turn> turns, Optional<String> image) {
  /// Refuses silence.
  public Conversation {
    turns = List.copyOf(turns);
    if (turns.isEmpty()) {
      throw new ChatException("a conversation without turns");
    }
  }

  /// A conversation about no image.
  public static Conversation of(Turn... turns) {
    return new Conversation(List.of(turns), Optional.empty());
  }

  /// A user's question that has no answer yet.
  ///
  /// @param system what the model is told before
  public static Conversation asking(Optional<String> system, String question) {
    List<Turn> turns = new ArrayList<>();
    system.ifPresent(text -> turns.add(new Turn(Turn.Role.SYSTEM, text)));
    turns.add(new Turn(Turn.Role.USER, question));
    return new Conversation(turns, Optional.empty());
  }

  /// Its first turns.
  Conversation first(int count) {
    return new Conversation(turns.subList(0, count), image);
  }
}
