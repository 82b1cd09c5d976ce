package dev.upcycle.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.chat.ChatTemplate.Ending;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChatTemplateTest {
  private static final Conversation QUESTION = Conversation.asking(Optional.of("Be brief"), "Why?");

  @TempDir private Path model;

  private void write(String file, String text) throws IOException {
    Files.writeString(model.resolve(file), text);
  }

  private String rendered() {
    return ChatTemplate.require(model).render(QUESTION, Ending.AWAITING_ANSWER).text();
  }

  @Test
  void templateOfTheConfigSeesTurnsAndSpecialTokens() throws IOException {
    write(
        "tokenizer_config.json",
        """
        {"bos_token": {"content": "<s>", "special": true}, "eos_token": "</s>", "pad_token": null,
         "chat_template": "{{ bos_token }}{% for m in messages %}{{ m.role }}:{{ m.content }}\
        {{ eos_token }}{% endfor %}{{ add_generation_prompt }}{{ pad_token is defined }}{{ tools }}"}
        """);

    assertThat(rendered()).isEqualTo("<s>system:Be brief</s>user:Why?</s>TrueFalseNone");
  }

  @Test
  void fileOfItsOwnComesBeforeTheConfig() throws IOException {
    write("tokenizer_config.json", "{\"bos_token\": \"<s>\", \"chat_template\": \"config\"}");
    write("chat_template.jinja", "{{ bos_token }}file\n");

    assertThat(rendered()).isEqualTo("<s>file");
  }

  @Test
  void defaultIsTakenAmongNamedTemplates() throws IOException {
    write(
        "tokenizer_config.json",
        """
        {"chat_template": [{"name": "tool_use", "template": "a"},
                           {"name": "default", "template": "b"}]}
        """);

    assertThat(rendered()).isEqualTo("b");
  }

  @Test
  void namedTemplatesWithoutADefaultAreAnError() throws IOException {
    write(
        "tokenizer_config.json", "{\"chat_template\": [{\"name\": \"rag\", \"template\": \"a\"}]}");

    assertThatThrownBy(this::rendered)
        .isInstanceOf(ChatException.class)
        .hasMessageContaining("none of its templates is 'default'");
  }

  @Test
  void missingTemplateIsAnErrorNamingTheFiles() {
    assertThat(ChatTemplate.find(model)).isEmpty();
    assertThatThrownBy(this::rendered)
        .isInstanceOf(ChatException.class)
        .hasMessageContaining("chat_template.jinja")
        .hasMessageContaining("tokenizer_config.json");
  }

  @Test
  void damagedConfigIsAnErrorNamingTheFile() throws IOException {
    write("tokenizer_config.json", "{");

    assertThatThrownBy(this::rendered)
        .isInstanceOf(ChatException.class)
        .hasMessageContaining("tokenizer_config.json");
  }

  @Test
  void textOfTheUserIsNeverATemplate() throws IOException {
    write("chat_template.jinja", "{{ messages[0].content }}");
    Conversation nasty = Conversation.of(new Turn(Turn.Role.USER, "{{ 7*7 }}{% raw %}"));

    assertThat(ChatTemplate.require(model).render(nasty, Ending.WHOLE).text())
        .isEqualTo("{{ 7*7 }}{% raw %}");
  }
}
