package dev.upcycle.calibrate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PromptFileTest {
  @TempDir Path folder;

  private List<ExpertPrompts> read(String text) throws IOException {
    Path file = folder.resolve("prompts.yaml");
    Files.writeString(file, text);
    return PromptFile.read(file);
  }

  @Test
  void mappingGivesTheExpertsInItsOrder() throws IOException {
    List<ExpertPrompts> experts = read("prose: [Once upon a time, The end]\ncode:\n- def f(x)\n");

    assertThat(experts)
        .extracting(ExpertPrompts::name)
        .containsExactly("prompts.yaml, prose", "prompts.yaml, code");
    assertThat(experts.getFirst().positive()).containsExactly("Once upon a time", "The end");
    assertThat(experts.getLast().positive()).containsExactly("def f(x)");
  }

  @Test
  void jsonIsRead() throws IOException {
    assertThat(read("{\"a\": [\"x\"], \"b\": [\"y\", \"z\"]}").getLast().positive())
        .containsExactly("y", "z");
  }

  @Test
  void mergekitMoeConfigurationIsRead() throws IOException {
    List<ExpertPrompts> experts =
        read(
            """
            base_model: some/model
            gate_mode: hidden
            experts:
              - source_model: some/model
                positive_prompts: ["solve", "prove"]
                negative_prompts: ["chat"]
              - source_model: other/model
                positive_prompts:
                  - "hello"
            """);

    assertThat(experts.getFirst().positive()).containsExactly("solve", "prove");
    assertThat(experts.getFirst().negative()).containsExactly("chat");
    assertThat(experts.getLast().negative()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          [a, b]                                              | expected a mapping
          a: text                                             | a: expected a list of texts
          a: [1]                                              | a[0]: expected a text, found 1
          a: []                                               | no text that it should take
          experts: [{positive_prompts: [a], negative: [b]}]   | unknown key negative
          experts: [{negative_prompts: [b]}]                  | expert 0: expected a mapping with positive_prompts
          {a: [x], a: [y]}                                    | neither YAML nor JSON
          """)
  void whatIsWrongIsNamed(String text, String complaint) {
    assertThatThrownBy(() -> read(text))
        .isInstanceOf(CalibrationException.class)
        .hasMessageContaining("prompts.yaml")
        .hasMessageContaining(complaint);
  }
}
