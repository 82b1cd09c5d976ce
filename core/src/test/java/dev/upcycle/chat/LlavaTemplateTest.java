package dev.upcycle.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.data.Tokenizer;
import dev.upcycle.sample.SampleModel;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Held against ids and masks that a script made from the templates' formulas.
class LlavaTemplateTest {
  private static final JsonNode GOLDEN = golden();
  @TempDir private static Path folder;
  private static Optional<Tokenizer> tokenizer = Optional.empty();

  private static JsonNode golden() {
    String name = "/dev/upcycle/fixtures/golden/chat/llava.json";
    try (InputStream in = LlavaTemplateTest.class.getResourceAsStream(name)) {
      return JsonMapper.shared().readTree(Objects.requireNonNull(in, name));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @BeforeAll
  static void openTokenizer() {
    Path model = folder.resolve("dense");
    SampleModel.writeTo(model);
    tokenizer = Optional.of(Tokenizer.require(model));
  }

  @AfterAll
  static void closeTokenizer() {
    tokenizer.ifPresent(Tokenizer::close);
  }

  static Stream<JsonNode> cases() {
    return GOLDEN.get("cases").values().stream();
  }

  private static LlavaTemplate template(JsonNode golden) {
    return Arrays.stream(LlavaTemplate.values())
        .filter(template -> template.key().equals(golden.get("template").stringValue()))
        .findFirst()
        .orElseThrow();
  }

  private static Conversation conversation(JsonNode golden) {
    List<Turn> turns = new ArrayList<>();
    for (JsonNode text : golden.get("turns").values()) {
      Turn.Role role = turns.size() % 2 == 0 ? Turn.Role.USER : Turn.Role.ASSISTANT;
      turns.add(new Turn(role, text.stringValue()));
    }
    return new Conversation(
        turns, golden.get("image").booleanValue() ? Optional.of("a.png") : Optional.empty());
  }

  private static LabelledTokens tokens(LlavaTemplate template, Conversation conversation) {
    long padding = GOLDEN.get("padding").longValue();
    return template.tokens(conversation, tokenizer.orElseThrow()::encode, padding);
  }

  private static List<Long> longs(JsonNode array) {
    return array.values().stream().map(JsonNode::longValue).toList();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void idsAndLabelsAreThoseOfTheFormulas(JsonNode golden) {
    LlavaTemplate template = template(golden);
    Conversation conversation = conversation(golden);

    assertThat(template.text(conversation)).isEqualTo(golden.get("text").stringValue());
    LabelledTokens tokens = tokens(template, conversation);
    assertThat(tokens.ids()).isEqualTo(longs(golden.get("ids")));
    assertThat(tokens.labels()).isEqualTo(longs(golden.get("labels")));
  }

  @Test
  void mistralsTextBeginsWithTwoFirstTokens() {
    Conversation conversation =
        Conversation.of(new Turn(Turn.Role.USER, "a"), new Turn(Turn.Role.ASSISTANT, "b"));

    LabelledTokens tokens = tokens(LlavaTemplate.MISTRAL_INSTRUCT_SYSTEM, conversation);

    assertThat(tokens.ids().subList(0, 2)).containsExactly(256L, 256L);
    assertThat(tokens.ids().get(2)).isNotEqualTo(256L);
    assertThat(tokens.learned()).isPositive();
  }

  @Test
  void rolesOutOfTurnAreAnError() {
    Conversation conversation = Conversation.of(new Turn(Turn.Role.ASSISTANT, "a"));

    assertThatThrownBy(() -> LlavaTemplate.V1.text(conversation))
        .isInstanceOf(ChatException.class)
        .hasMessageContaining("turn 1 is of assistant, expected user");
  }

  @Test
  void captionNeedsExactlyTwoTurnsAndAnImage() {
    Turn question = new Turn(Turn.Role.USER, "no picture");
    Turn answer = new Turn(Turn.Role.ASSISTANT, "b");

    assertThatThrownBy(() -> LlavaTemplate.PLAIN.text(Conversation.of(question)))
        .hasMessageContaining("1 turns");
    assertThatThrownBy(() -> LlavaTemplate.PLAIN.text(Conversation.of(question, answer)))
        .hasMessageContaining("<image>");
  }
}
