package dev.upcycle.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.recipe.Recipes;
import dev.upcycle.sample.SampleModel;
import dev.upcycle.sample.TinyModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
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
        .contains("bad.jsonl, row 1: 'conversations' is a number, expected a list")
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
    assertThat(outcome.err()).contains("one of the stages talk, talk.validate, read");
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

  @Test
  void textOfAnotherEncodingIsToldAsTrainingTellsIt() throws IOException {
    Files.write(folder.resolve("latin.txt"), new byte[] {'a', (byte) 0xe9, 'b'});
    Session.Outcome outcome = check("--data", "read=latin.txt", "--skip-bad", "5");
    Session.Outcome trained =
        Session.in(folder)
            .run(
                List.of(
                    "train",
                    "tune.yaml",
                    "--model",
                    "dense",
                    "--out",
                    "run",
                    "--data",
                    "talk=latin.txt",
                    "--set",
                    "train.stages.0.data.template=text"));

    assertThat(outcome.code()).isEqualTo(4);
    assertThat(outcome.out()).contains("1, 1 bad", "latin.txt, row 0: not text in UTF-8");
    assertThat(trained.err()).contains("latin.txt, row 0: not text in UTF-8");
  }

  @Test
  void badRowsOfAStageAndOfWhatMeasuresItCountTogether() throws IOException {
    Files.copy(folder.resolve("bad.jsonl"), folder.resolve("other.jsonl"));
    List<String> both = List.of("--data", "talk=bad.jsonl", "--data", "talk.validate=other.jsonl");

    assertThat(check(both, "4").code()).isZero();
    assertThat(check(both, "3").code()).isEqualTo(4);
  }

  @Test
  void theSameBadRowOfAStageAndOfWhatMeasuresItCountsOnce() {
    List<String> both = List.of("--data", "talk=bad.jsonl", "--data", "talk.validate=bad.jsonl");

    assertThat(check(both, "2").code()).isZero();
    assertThat(check(both, "1").code()).isEqualTo(4);
  }

  private Session.Outcome check(List<String> more, String skip) {
    List<String> words = new ArrayList<>(more);
    words.addAll(List.of("--skip-bad", skip));
    return check(words.toArray(String[]::new));
  }

  @Test
  void missingChatTemplateIsToldWithoutOptionsOfOtherCommands() {
    Session.Outcome outcome = check("--set", "train.stages.0.data.template=chat");

    assertThat(outcome.code()).isEqualTo(4);
    assertThat(outcome.err()).contains("train with another `template`");
  }

  @Test
  void modelsInPartsReadTheDataWithAnotherFolderOfImages() {
    Session.Outcome outcome =
        Session.in(folder)
            .run(
                List.of(
                    "data",
                    "check",
                    "tune.yaml",
                    "--model",
                    "language=dense",
                    "--images",
                    "talk=."));

    assertThat(outcome.code()).describedAs(outcome.err()).isZero();
    assertThat(outcome.out()).contains("3, 0 bad");
  }

  @Test
  void towerAndDecoderAreReadWithTheConnectorThatTrainingWouldDraw() throws IOException {
    TinyModel.write(
        Recipes.resolve(Recipes.text("clip-vit-4x2", folder), List.of(), Map.of()).recipe(),
        folder.resolve("tower"));
    Files.writeString(
        folder.resolve("tower/preprocessor_config.json"),
        """
        {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 28},
         "crop_size": {"height": 28, "width": 28}}\
        """);
    Session.Outcome outcome =
        Session.in(folder)
            .run(
                List.of(
                    "data",
                    "check",
                    "tune.yaml",
                    "--model",
                    "language=dense",
                    "--model",
                    "vision=tower"));

    assertThat(outcome.code()).describedAs(outcome.err()).isZero();
    assertThat(outcome.out()).contains("3, 0 bad");
  }

  @Test
  void rowsThatTakeLongAreAnnounced() throws IOException {
    Files.writeString(folder.resolve("long.txt"), "The Rays of Light. ".repeat(60_000));
    Session.Outcome outcome = check("--data", "read=long.txt");

    assertThat(outcome.code()).isZero();
    assertThat(outcome.err())
        .contains("checking read: rows of about 1.14 MB, each tokenised in one piece")
        .doesNotContain("checking talk");
  }
}
