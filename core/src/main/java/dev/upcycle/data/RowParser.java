package dev.upcycle.data;

import dev.upcycle.chat.Conversation;
import dev.upcycle.chat.Turn;
import dev.upcycle.checkpoint.JsonReason;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Turns a row's JSON into what it says: `text`, `messages`, or LLaVA's `conversations`.
///
/// @param file for messages
/// @param row for messages
record RowParser(Path file, long row) {
  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private static final Map<String, Turn.Role> OF_MESSAGES =
      Map.of("system", Turn.Role.SYSTEM, "user", Turn.Role.USER, "assistant", Turn.Role.ASSISTANT);
  private static final Map<String, Turn.Role> OF_LLAVA =
      Map.of("human", Turn.Role.USER, "gpt", Turn.Role.ASSISTANT);

  /// How a list of turns is written.
  private record Dialect(String list, String speaker, String words, Map<String, Turn.Role> roles) {}

  private static final Dialect MESSAGES = new Dialect("messages", "role", "content", OF_MESSAGES);
  private static final Dialect LLAVA = new Dialect("conversations", "from", "value", OF_LLAVA);

  DataRow parse(byte[] bytes) {
    JsonNode json;
    try {
      json = JSON.readTree(bytes);
    } catch (JacksonException e) {
      throw fault("not JSON: " + JsonReason.of(e));
    }
    List<String> kinds =
        List.of("text", MESSAGES.list(), LLAVA.list()).stream().filter(json::has).toList();
    if (!json.isObject() || kinds.size() != 1) {
      throw fault(
          "expected an object with one of 'text', 'messages' and 'conversations', found "
              + (json.isObject() ? keys(json) : kind(json)));
    }
    return switch (kinds.getFirst()) {
      case "text" -> new DataRow.Text(text(json.get("text"), "'text'"));
      case "messages" -> talk(json, turns(json, MESSAGES));
      default -> talk(json, answered(turns(json, LLAVA)));
    };
  }

  private DataRow talk(JsonNode json, List<Turn> turns) {
    if (turns.isEmpty()) {
      throw fault("nobody says anything");
    }
    JsonNode id = json.path("id");
    return new DataRow.Talk(
        id.isString() || id.isNumber() ? id.asString() : "", new Conversation(turns, image(json)));
  }

  private Optional<String> image(JsonNode json) {
    JsonNode image = json.path("image");
    if (image.isMissingNode() || image.isNull()) {
      return Optional.empty();
    }
    if (image.isArray()) {
      throw fault("'image' is a list; one image a row is supported");
    }
    return Optional.of(text(image, "'image'"));
  }

  private List<Turn> turns(JsonNode json, Dialect dialect) {
    JsonNode list = json.get(dialect.list());
    if (!list.isArray()) {
      throw fault("'%s' is %s, expected a list".formatted(dialect.list(), kind(list)));
    }
    List<Turn> turns = new ArrayList<>();
    for (JsonNode turn : list.values()) {
      String where = "'%s', turn %d".formatted(dialect.list(), turns.size() + 1);
      String speaker = text(turn.path(dialect.speaker()), where + ", '" + dialect.speaker() + "'");
      Turn.Role role = dialect.roles().get(speaker);
      if (role == null) {
        throw fault(
            "%s: unknown role '%s', expected one of %s"
                .formatted(
                    where,
                    speaker,
                    String.join(", ", dialect.roles().keySet().stream().sorted().toList())));
      }
      turns.add(
          new Turn(role, text(turn.path(dialect.words()), where + ", '" + dialect.words() + "'")));
    }
    return turns;
  }

  /// LLaVA drops what the model says before anybody asked.
  private static List<Turn> answered(List<Turn> turns) {
    boolean unasked = !turns.isEmpty() && turns.getFirst().role() == Turn.Role.ASSISTANT;
    return unasked ? turns.subList(1, turns.size()) : turns;
  }

  private String text(JsonNode value, String where) {
    if (!value.isString()) {
      throw fault("%s is %s, expected text".formatted(where, kind(value)));
    }
    return value.stringValue();
  }

  private static String kind(JsonNode json) {
    return switch (json.getNodeType()) {
      case ARRAY -> "a list";
      case BOOLEAN -> "true or false";
      case NUMBER -> "a number";
      case OBJECT, POJO -> "an object";
      case STRING, BINARY -> "a text";
      case NULL -> "null";
      case MISSING -> "missing";
    };
  }

  private static String keys(JsonNode json) {
    return json.isEmpty() ? "no key" : "the keys " + String.join(", ", json.propertyNames());
  }

  private DataException fault(String reason) {
    return DataException.ofRow(file, row, reason);
  }
}
