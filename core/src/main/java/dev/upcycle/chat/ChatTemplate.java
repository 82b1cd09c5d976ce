package dev.upcycle.chat;

import dev.upcycle.chat.jinja.JsonValues;
import dev.upcycle.chat.jinja.Template;
import dev.upcycle.chat.jinja.TemplateException;
import dev.upcycle.chat.jinja.Value;
import dev.upcycle.checkpoint.JsonReason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// A model's own chat template: `chat_template.jinja`, else that of `tokenizer_config.json`.
public final class ChatTemplate {
  private static final String FILE_NAME = "chat_template.jinja";
  private static final String CONFIG = "tokenizer_config.json";
  private static final String KEY = "chat_template";
  private static final List<String> SPECIAL_TOKENS =
      List.of(
          "bos_token",
          "eos_token",
          "unk_token",
          "sep_token",
          "pad_token",
          "cls_token",
          "mask_token");

  private final Template template;
  private final Map<String, Value> specialTokens;

  private ChatTemplate(Template template, Map<String, Value> specialTokens) {
    this.template = template;
    this.specialTokens = specialTokens;
  }

  /// What follows the last turn.
  public enum Ending {
    /// Nothing: the conversation is whole.
    WHOLE,
    /// The model's answer, whose beginning the template writes.
    AWAITING_ANSWER
  }

  /// Reads the template that lies beside a model.
  ///
  /// @throws ChatException when there is none, or a file cannot be read
  /// @throws dev.upcycle.chat.jinja.TemplateException when it is wrong or not covered
  public static ChatTemplate require(Path directory) {
    return find(directory)
        .orElseThrow(() ->
            new ChatException(
                "%s: no %s and no '%s' in %s; copy the template of the model's source, or do without: generate without --chat, train with another `template`"
                    .formatted(directory, FILE_NAME, KEY, CONFIG)));
  }

  /// The same; empty where there is none.
  public static Optional<ChatTemplate> find(Path directory) {
    JsonNode config = config(directory.resolve(CONFIG));
    Path file = directory.resolve(FILE_NAME);
    Optional<Template> template =
        Files.isRegularFile(file)
            ? Optional.of(Template.parse(file.toString(), read(file)))
            : inConfig(config, directory.resolve(CONFIG));
    return template.map(parsed -> new ChatTemplate(parsed, specialTokens(config)));
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new ChatException("cannot read %s: %s".formatted(file, e.getMessage()), e);
    }
  }

  private static JsonNode config(Path file) {
    try {
      return JsonMapper.shared().readTree(Files.isRegularFile(file) ? read(file) : "{}");
    } catch (JacksonException e) {
      throw new ChatException("%s: not JSON: %s".formatted(file, JsonReason.of(e)), e);
    }
  }

  private static Optional<Template> inConfig(JsonNode config, Path file) {
    JsonNode found = config.path(KEY);
    if (found.isArray()) {
      found =
          found.values().stream()
              .filter(named -> named.path("name").asString("").equals("default"))
              .findFirst()
              .map(named -> named.path("template"))
              .orElseThrow(() ->
                  new ChatException("%s: none of its templates is 'default'".formatted(file)));
    }
    return found.isString()
        ? Optional.of(Template.parse("%s, '%s'".formatted(file, KEY), found.stringValue()))
        : Optional.empty();
  }

  private static Map<String, Value> specialTokens(JsonNode config) {
    Map<String, Value> tokens = new LinkedHashMap<>();
    for (String name : SPECIAL_TOKENS) {
      JsonNode token = config.path(name);
      JsonNode text = token.isObject() ? token.path("content") : token;
      if (text.isString()) {
        tokens.put(name, JsonValues.of(text));
      }
    }
    return tokens;
  }

  /// Renders a conversation, with today's date where the template asks for it.
  ///
  /// @throws dev.upcycle.chat.jinja.TemplateException when the template refuses it
  public Template.Rendering render(Conversation conversation, Ending ending) {
    return render(conversation, ending, LocalDateTime.now(ZoneId.systemDefault()));
  }

  /// Renders a conversation.
  ///
  /// @param now what the template takes for today
  /// @throws dev.upcycle.chat.jinja.TemplateException when the template refuses it
  public Template.Rendering render(Conversation conversation, Ending ending, LocalDateTime now) {
    Map<String, Value> variables = new LinkedHashMap<>(specialTokens);
    variables.put("messages", messages(conversation));
    variables.put("tools", Value.None.NONE);
    variables.put("documents", Value.None.NONE);
    variables.put("add_generation_prompt", Value.of(ending == Ending.AWAITING_ANSWER));
    return template.render(variables, now);
  }

  /// Renders a whole conversation and tells what of it the assistant says: what the template marks
  /// by `generation`, else what each of its turns adds.
  ///
  /// @param now what the template takes for today
  /// @throws ChatException when the template marks nothing and writes a conversation otherwise once
  ///   it goes on, so that its turns cannot be told apart
  public Template.Rendering answers(Conversation conversation, LocalDateTime now) {
    Template.Rendering whole = render(conversation, Ending.WHOLE, now);
    if (!whole.generated().isEmpty()) {
      return whole;
    }
    List<Template.Span> spans = new ArrayList<>();
    for (int turn = 0; turn < conversation.turns().size(); turn++) {
      if (conversation.turns().get(turn).role() == Turn.Role.ASSISTANT) {
        spans.add(added(conversation, turn, whole.text(), now));
      }
    }
    return new Template.Rendering(whole.text(), spans);
  }

  private Template.Span added(
      Conversation conversation, int turn, String whole, LocalDateTime now) {
    if (turn == 0) {
      throw new ChatException(
          "%s: the conversation begins with the assistant".formatted(template.name()));
    }
    String before = render(conversation.first(turn), Ending.AWAITING_ANSWER, now).text();
    String after = render(conversation.first(turn + 1), Ending.WHOLE, now).text();
    if (!after.startsWith(before) || !whole.startsWith(after)) {
      throw new ChatException(
          "%s: up to turn %d it writes otherwise than in the whole conversation, so that the answer"
                  .formatted(template.name(), turn + 1)
              + " cannot be told from the rest; mark it in the template by {% generation %}");
    }
    return new Template.Span(before.length(), after.length());
  }

  private static Value messages(Conversation conversation) {
    return new Value.Items(conversation.turns().stream().map(ChatTemplate::message).toList());
  }

  /// Renders a conversation that awaits its answer and may hold `<image>` where images go.
  ///
  /// Templates of models that see take a message as a list of images and texts, others take it as
  /// one text: what writes all of the images is right.
  ///
  /// @throws ChatException when neither way does
  public String renderSeeing(Conversation conversation) {
    long images =
        conversation.turns().stream().mapToLong(turn -> MessageParts.images(turn.content())).sum();
    LocalDateTime now = LocalDateTime.now(ZoneId.systemDefault());
    Optional<String> inParts =
        inParts(conversation, now).filter(text -> MessageParts.images(text) == images);
    if (inParts.isPresent()) {
      return inParts.get();
    }
    String whole = render(conversation, Ending.AWAITING_ANSWER, now).text();
    long written = MessageParts.images(whole);
    if (written != images) {
      throw new ChatException(
          "%s: it writes %d <image> for %d images; use --template, or a template for images"
              .formatted(template.name(), written, images));
    }
    return whole;
  }

  private Optional<String> inParts(Conversation conversation, LocalDateTime now) {
    Map<String, Value> variables = new LinkedHashMap<>(specialTokens);
    variables.put(
        "messages",
        new Value.Items(conversation.turns().stream().map(MessageParts::message).toList()));
    variables.put("add_generation_prompt", Value.of(true));
    try {
      String text = template.render(variables, now).text();
      return Optional.of(text).filter(written -> MessageParts.whole(conversation, written));
    } catch (TemplateException e) {
      return Optional.empty();
    }
  }

  private static Value message(Turn turn) {
    Map<Value, Value> entries = new LinkedHashMap<>();
    entries.put(Value.of("role"), Value.of(turn.role().key()));
    entries.put(Value.of("content"), Value.of(turn.content()));
    return new Value.Dict(entries);
  }
}
