package dev.upcycle.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.chat.ChatTemplate;
import dev.upcycle.chat.Conversation;
import dev.upcycle.chat.LlavaTemplate;
import dev.upcycle.chat.Turn;
import dev.upcycle.sample.DrawnTokenizer;
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
import java.util.OptionalLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Held against ids and masks that transformers, and a script from LLaVA's formulas, made.
class RowEncodingTest {
  private static final JsonNode GOLDEN = golden();
  @TempDir private static Path folder;
  private static Optional<Tokenizer> sample = Optional.empty();

  private static JsonNode golden() {
    String name = "/dev/upcycle/fixtures/golden/chat/data.json";
    try (InputStream in = RowEncodingTest.class.getResourceAsStream(name)) {
      return JsonMapper.shared().readTree(Objects.requireNonNull(in, name));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @BeforeAll
  static void openTokenizer() {
    SampleModel.writeTo(folder.resolve("dense"));
    sample = Optional.of(Tokenizer.require(folder.resolve("dense")));
  }

  @AfterAll
  static void closeTokenizer() {
    sample.ifPresent(Tokenizer::close);
  }

  static Stream<JsonNode> messages() {
    return GOLDEN.get("messages").values().stream();
  }

  static Stream<JsonNode> spliced() {
    return GOLDEN.get("splice").values().stream();
  }

  private static long[] longs(JsonNode array) {
    return array.values().stream().mapToLong(JsonNode::longValue).toArray();
  }

  private static DataRow messages(JsonNode golden) {
    List<Turn> turns = new ArrayList<>();
    for (JsonNode turn : golden.get("turns").values()) {
      Turn.Role role =
          Arrays.stream(Turn.Role.values())
              .filter(each -> each.key().equals(turn.get(0).stringValue()))
              .findFirst()
              .orElseThrow();
      turns.add(new Turn(role, turn.get(1).stringValue()));
    }
    return new DataRow.Talk("", new Conversation(turns, Optional.empty()));
  }

  private static ChatTemplate template(String text) {
    Path directory = folder.resolve("template");
    directory.toFile().mkdirs();
    DataFixture.write(directory.resolve("chat_template.jinja"), text);
    DataFixture.write(
        directory.resolve("tokenizer_config.json"),
        "{\"bos_token\": \"<s>\", \"eos_token\": \"</s>\"}");
    return ChatTemplate.require(directory);
  }

  private static RowEncoding.Chat chat(String text) {
    return new RowEncoding.Chat(template(text), sample.orElseThrow());
  }

  @ParameterizedTest
  @MethodSource("messages")
  void answersOfAChatAreLabelledAsTransformersMarksThem(JsonNode golden) {
    for (String form : List.of("plain", "marked")) {
      Tokens tokens = chat(golden.get(form).stringValue()).tokens(messages(golden));

      assertThat(tokens.ids()).describedAs(form).isEqualTo(longs(golden.get("ids")));
      assertThat(tokens.labels()).describedAs(form).isEqualTo(longs(golden.get("labels")));
    }
  }

  @ParameterizedTest
  @MethodSource("spliced")
  void placesArePutInAndSequencesCutAsTheFormulasSay(JsonNode golden) {
    List<Turn> turns = new ArrayList<>();
    for (JsonNode text : golden.get("turns").values()) {
      Turn.Role role = turns.size() % 2 == 0 ? Turn.Role.USER : Turn.Role.ASSISTANT;
      turns.add(new Turn(role, text.stringValue()));
    }
    LlavaTemplate template =
        Arrays.stream(LlavaTemplate.values())
            .filter(each -> each.key().equals(golden.get("template").stringValue()))
            .findFirst()
            .orElseThrow();
    Splice splice =
        new Splice(GOLDEN.get("placeholder").longValue(), GOLDEN.get("features").intValue());

    Tokens tokens =
        splice.into(
            new RowEncoding.Llava(template, sample.orElseThrow())
                .tokens(new DataRow.Talk("", new Conversation(turns, Optional.of("a.png")))));
    Tokens cut = tokens.first(Math.min(tokens.length(), golden.get("max_tokens").intValue()));

    assertThat(cut.ids()).isEqualTo(longs(golden.get("ids")));
    assertThat(cut.labels()).isEqualTo(longs(golden.get("labels")));
  }

  private static DataRow twoRounds() {
    return new DataRow.Talk(
        "",
        Conversation.of(
            new Turn(Turn.Role.USER, "a"),
            new Turn(Turn.Role.ASSISTANT, "b"),
            new Turn(Turn.Role.USER, "c"),
            new Turn(Turn.Role.ASSISTANT, "d")));
  }

  @Test
  void templateThatRewritesEarlierTurnsIsRefusedByName() {
    RowEncoding.Chat chat =
        chat(
            "{% for m in messages %}{{ m['role'] }}: "
                + "{% if m['role'] == 'user' or loop.last %}{{ m['content'] }}{% endif %}\n"
                + "{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}");

    assertThatThrownBy(() -> chat.tokens(twoRounds()))
        .isInstanceOf(dev.upcycle.chat.ChatException.class)
        .hasMessageContaining("chat_template.jinja")
        .hasMessageContaining("up to turn 2 it writes otherwise")
        .hasMessageContaining("{% generation %}");
  }

  @Test
  void templateWhosePromptIsNotHowAnswersBeginIsRefused() {
    RowEncoding.Chat chat =
        chat(
            "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}"
                + "{% if add_generation_prompt %}model: {% endif %}");

    assertThatThrownBy(() -> chat.tokens(twoRounds())).hasMessageContaining("up to turn 2");
  }

  @Test
  void tokenAcrossTheBorderOfAnAnswerIsRefused() {
    Path drawn = folder.resolve("drawn");
    DrawnTokenizer.writeTo(drawn);
    try (Tokenizer words = Tokenizer.require(drawn)) {
      String text =
          "{% for m in messages %}{% if m['role'] == 'user' %}{{ m['content'] }} IS: "
              + "{% else %}{{ m['content'] }}\n{% endif %}{% endfor %}";
      RowEncoding.Chat chat = new RowEncoding.Chat(template(text), words);
      DataRow row =
          new DataRow.Talk(
              "",
              Conversation.of(
                  new Turn(Turn.Role.USER, "it"), new Turn(Turn.Role.ASSISTANT, "red")));

      assertThatThrownBy(() -> chat.tokens(row)).hasMessageContaining("across the border");
    }
  }

  @Test
  void textIsLearnedAsAWholeWithItsEnd() {
    RowEncoding.Plain plain = new RowEncoding.Plain(sample.orElseThrow(), OptionalLong.of(257));

    Tokens tokens = plain.tokens(new DataRow.Text("ab"));

    assertThat(tokens.ids()).containsExactly(256, 'a', 'b', 257);
    assertThat(tokens.labels()).isEqualTo(tokens.ids());
    assertThat(tokens.learned()).isEqualTo(3);
  }

  @Test
  void rowOfTheWrongKindIsRefusedByName() {
    RowEncoding.Plain plain = new RowEncoding.Plain(sample.orElseThrow(), OptionalLong.empty());
    RowEncoding.Llava llava = new RowEncoding.Llava(LlavaTemplate.V1, sample.orElseThrow());

    assertThatThrownBy(() -> plain.tokens(twoRounds())).hasMessageContaining("template 'text'");
    assertThatThrownBy(() -> llava.tokens(new DataRow.Text("a")))
        .hasMessageContaining("template 'v1' takes conversations");
  }
}
