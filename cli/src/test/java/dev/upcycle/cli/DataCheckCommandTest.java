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

class DataCheckCommandTest {
  private static final String GOOD =
      """
      {"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "bc"}]}\
      """;

  @TempDir private Path folder;

  @BeforeEach
  void write() throws IOException {
    SampleModel.writeTo(folder.resolve("dense"));
    Files.writeString(folder.resolve("good.jsonl"), (GOOD + "\n").repeat(3));
    Files.writeString(
        folder.resolve("bad.jsonl"), GOOD + "\n{\"conversations\": 7}\nnonsense\n" + GOOD);
    Files.writeString(folder.resolve("words.txt"), "The Rays of Light which fall upon a Prism.\n");
    Files.writeString(
        folder.resolve("tune.yaml"),
        """
        recipe: 1
        train:
          defaults: {rates: {all: 1.0e-5}}
          stages:
            - name: talk
              data: {path: good.jsonl, template: v1, max_tokens: 256}
              validate: {path: good.jsonl}
            - name: read
              data: {path: words.txt, max_tokens: 16}
        """);
  }

  private Session.Outcome check(String... more) {
    List<String> words = new ArrayList<>(List.of("data", "check", "tune.yaml", "--model", "dense"));
    words.addAll(List.of(more));
    return Session.in(folder).run(words);
  }

  @Test
  void everyStageIsToldWithASampleAndItsMask() {
    Session.Outcome outcome = check();

    assertThat(outcome.code()).describedAs(outcome.err()).isZero();
    assertThat(outcome.out())
        .containsSubsequence(
            "talk", "good.jsonl", "v1", "3, 0 bad", "masked", "USER: a", "learned", "bc</s>")
        .contains("talk.validate")
        .containsSubsequence("read", "words.txt", "sequences", "15 to 16");
  }

  @Test
  void badRowsAreToldAndEndWithExitCodeFour() {
    Session.Outcome outcome = check("--data", "talk=bad.jsonl");

    assertThat(outcome.code()).isEqualTo(4);
    assertThat(outcome.out())
        .contains("4, 2 bad")
        .contains("bad.jsonl, row 1: 'conversations' is NUMBER, expected a list")
        .contains("bad.jsonl, row 2: not JSON");
  }

  @Test
  void asManyBadRowsAsMayBeSkippedAreFine() {
    assertThat(check("--data", "talk=bad.jsonl", "--skip-bad", "2").code()).isZero();
    assertThat(check("--data", "talk=bad.jsonl", "--skip-bad", "1").code()).isEqualTo(4);
  }

  @Test
  void documentSaysTheSame() {
    Session.Outcome outcome = check("--data", "talk=bad.jsonl", "--json");

    JsonNode document = JsonMapper.shared().readTree(outcome.out());
    assertThat(outcome.code()).isEqualTo(4);
    assertThat(document.get("passed").booleanValue()).isFalse();
    JsonNode stage = document.get("stages").get(0);
    assertThat(stage.get("name").stringValue()).isEqualTo("talk");
    assertThat(stage.get("bad_rows").longValue()).isEqualTo(2);
    assertThat(stage.get("learned").longValue()).isEqualTo(2L * (" bc".length() + 1));
  }

  @Test
  void rowsAndImagesAreCheckedWithoutAModel() {
    Session.Outcome outcome =
        Session.in(folder).run("data", "check", "tune.yaml", "--data", "talk=bad.jsonl");

    assertThat(outcome.code()).isEqualTo(4);
    assertThat(outcome.out())
        .contains("4, 2 bad", "bad.jsonl, row 2: not JSON", "not counted without --model");
  }

  @Test
  void stageThatIsNotThereIsWrongUsage() {
    Session.Outcome outcome = check("--data", "tok=good.jsonl");

    assertThat(outcome.code()).isEqualTo(2);
    assertThat(outcome.err()).contains("one of the stages read, talk, talk.validate");
  }

  @Test
  void recipeWithoutTrainingIsWrongUsage() {
    Session.Outcome outcome =
        Session.in(folder).run("data", "check", "mistral-4x2", "--model", "dense");

    assertThat(outcome.code()).isEqualTo(2);
    assertThat(outcome.err()).contains("has no section train");
  }

  @Test
  void missingFileIsExitCodeFour() {
    Session.Outcome outcome = check("--data", "talk=none.jsonl");

    assertThat(outcome.code()).isEqualTo(4);
    assertThat(outcome.err()).contains("none.jsonl: there is no such file");
  }
}
