package dev.upcycle.chat;

import dev.upcycle.chat.jinja.Value;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// A message as a list of images and texts, as Hugging Face's templates for images take it.
final class MessageParts {
  private static final String IMAGE = "<image>";
  private static final String TYPE = "type";

  private MessageParts() {}

  /// How many images a text has places for.
  static long images(String text) {
    return text.split(IMAGE, -1).length - 1L;
  }

  static Value message(Turn turn) {
    List<Value> parts = new ArrayList<>();
    String[] texts = turn.content().split(IMAGE, -1);
    for (int i = 0; i < texts.length; i++) {
      if (i > 0) {
        parts.add(dict(Map.of(TYPE, "image")));
      }
      if (!texts[i].isBlank()) {
        Map<String, String> part = new LinkedHashMap<>();
        part.put(TYPE, "text");
        part.put("text", texts[i].strip());
        parts.add(dict(part));
      }
    }
    Map<Value, Value> message = new LinkedHashMap<>();
    message.put(Value.of("role"), Value.of(turn.role().key()));
    message.put(Value.of("content"), new Value.Items(parts));
    return new Value.Dict(message);
  }

  private static Value dict(Map<String, String> entries) {
    Map<Value, Value> values = new LinkedHashMap<>();
    entries.forEach((key, value) -> values.put(Value.of(key), Value.of(value)));
    return new Value.Dict(values);
  }

  /// Whether a template that was given parts wrote their texts, and not the list.
  static boolean whole(Conversation conversation, String written) {
    return !written.contains("'" + TYPE + "'")
        && conversation.turns().stream()
            .flatMap(turn -> List.of(turn.content().split(IMAGE, -1)).stream())
            .allMatch(text -> written.contains(text.strip()));
  }
}
