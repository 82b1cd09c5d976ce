package dev.upcycle.data;

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
}
