package dev.upcycle.data;

import dev.upcycle.chat.ChatException;
import dev.upcycle.chat.Conversation;

/// What one row of a data file says.
public sealed interface DataRow {
  /// A text by itself.
  record Text(String text) implements DataRow {}

  /// A conversation, perhaps about an image.
  ///
  /// @param id what the file calls it; empty where it has no name
  /// @param conversation with the image's path as the file gives it
  record Talk(String id, Conversation conversation) implements DataRow {}

  /// The text.
  ///
  /// @throws ChatException when it is a conversation
  default String requireText() {
    return switch (this) {
      case Text(String text) -> text;
      case Talk _ ->
          throw new ChatException(
              "is a conversation, and the template 'text' takes rows with 'text'; set the"
                  + " template");
    };
  }

  /// The conversation.
  ///
  /// @param template that takes it
  /// @throws ChatException when it is a text
  default Conversation requireConversation(String template) {
    return switch (this) {
      case Talk(String _, Conversation conversation) -> conversation;
      case Text _ ->
          throw new ChatException(
              "is a text, and the template '%s' takes conversations".formatted(template));
    };
  }

  /// Whether it has an image.
  default boolean hasImage() {
    return this instanceof Talk(String _, Conversation conversation)
        && conversation.image().isPresent();
  }
}
