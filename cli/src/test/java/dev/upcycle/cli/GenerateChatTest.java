package dev.upcycle.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.sample.SampleModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class GenerateChatTest {
  private static final long FIRST = 256;

  @TempDir private Path folder;

  @BeforeEach
  void writeModel() {
    SampleModel.writeTo(folder.resolve("dense"));
  }

  private void template(String source) throws IOException {
    Files.writeString(folder.resolve("dense/chat_template.jinja"), source);
  }

  private Session.Outcome generate(String... more) {
    List<String> arguments =
        new ArrayList<>(List.of("generate", "dense", "-n", "1", "--json", "--prompt", "If"));
    arguments.addAll(List.of(more));
    return Session.in(folder).run(arguments);
  }

  private List<Long> promptTokens(String... more) {
    Session.Outcome outcome = generate(more);
    assertThat(outcome.code()).as(outcome.err()).isZero();
    JsonNode document = JsonMapper.shared().readTree(outcome.out());
    return document.get("prompt_tokens").values().stream().map(JsonNode::longValue).toList();
  }

  @Test
  void templateSpellsTheSpecialTokensAndTheTokenizerAddsNone() throws IOException {
    template("{{ bos_token }}{{ messages[0].content }}");

    assertThat(promptTokens("--chat")).isEqualTo(promptTokens());
    assertThat(promptTokens("--chat")).filteredOn(id -> id == FIRST).hasSize(1);
  }

  @Test
  void systemTextAndTheBeginningOfTheAnswerAreSeen() throws IOException {
    template(
        "{% for m in messages %}{{ m.role }}{{ m.content }}{% endfor %}{{ add_generation_prompt"
            + " }}");
    List<Long> told = promptTokens("--chat", "--system", "Be brief");

    template("systemBe briefuserIfTrue");
    assertThat(told).isEqualTo(promptTokens("--chat"));
  }

  @Test
  void modelWithoutATemplateIsRefused() {
    Session.Outcome outcome = generate("--chat");

    assertThat(outcome.code()).isEqualTo(4);
    assertThat(outcome.err()).contains("chat_template.jinja");
  }

  @Test
  void templateThatIsNotCoveredIsRefusedWithItsPlace() throws IOException {
    template("a\n{% include 'x' %}");

    Session.Outcome outcome = generate("--chat");

    assertThat(outcome.code()).isEqualTo(4);
    assertThat(outcome.err()).contains("chat_template.jinja, line 2, column 4", "'include'");
  }

  @Test
  void systemTextNeedsChat() {
    assertThat(generate("--system", "x").code()).isEqualTo(2);
  }
}
