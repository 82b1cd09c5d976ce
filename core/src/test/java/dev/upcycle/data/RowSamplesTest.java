package dev.upcycle.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.chat.LlavaTemplate;
import dev.upcycle.sample.DrawnData;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RowSamplesTest {
  private static final String IMAGE = "red-circle-top.png";

  @TempDir private Path folder;
  private Optional<DataFixture> opened = Optional.empty();

  @BeforeEach
  void write() {
    opened = Optional.of(DataFixture.in(folder));
  }

  @AfterEach
  void close() {
    opened.ifPresent(DataFixture::close);
  }

  private DataFixture fixture() {
    return opened.orElseThrow();
  }

  private static String row(String image, String question, String answer) {
    String picture = image.isEmpty() ? "" : "\"image\": \"" + image + "\", ";
    return "{%s\"conversations\": [{\"from\": \"human\", \"value\": \"%s\"}, {\"from\": \"gpt\", \"value\": \"%s\"}]}"
        .formatted(picture, question, answer);
  }

  @Test
  void placesOfTheImageStandWhereTheTextNamesIt() {
    try (RowSamples samples = fixture().llava(DrawnData.CAPTIONS, LlavaTemplate.PLAIN, 64)) {
      Sample sample = samples.sample(5);

      long[] ids = sample.tokens().ids();
      assertThat(Arrays.copyOfRange(ids, 1, 1 + DataFixture.FEATURES))
          .containsOnly(DataFixture.SPLICE.placeholder());
      assertThat(fixture().tokenizer().decode(Arrays.stream(ids).skip(17).boxed().toList()))
          .isEqualTo("a red circle at the bottom\n");
      assertThat(sample.tokens().learned()).isEqualTo(ids.length - 1L - DataFixture.FEATURES);
      assertThat(sample.picture().places()).isEqualTo(DataFixture.FEATURES);
    }
  }

  @Test
  void sequenceIsCutAfterThePlacesWerePutIn() {
    int length = 1 + DataFixture.FEATURES + 2;
    try (RowSamples samples = fixture().llava(DrawnData.CAPTIONS, LlavaTemplate.PLAIN, length)) {
      Sample sample = samples.sample(0);

      assertThat(sample.length()).isEqualTo(length);
      assertThat(sample.tokens().learned()).isEqualTo(2);
    }
  }

  @Test
  void cutThroughAnImageLeavesItsFirstPlaces() {
    DataFixture.write(
        folder.resolve("late.json"),
        """
        [{"image": "red-circle-top.png", "conversations": [
          {"from": "human", "value": "Which shape is it?"}, {"from": "gpt", "value": "circle"},
          {"from": "human", "value": "<image>"}, {"from": "gpt", "value": "circle"}]}]\
        """);
    int whole;
    try (RowSamples samples = fixture().llava("late.json", LlavaTemplate.V1, 1_000)) {
      whole = samples.sample(0).length();
    }
    int answer = 6;
    int kept = whole - answer - DataFixture.FEATURES + 3;
    try (RowSamples samples = fixture().llava("late.json", LlavaTemplate.V1, kept)) {
      Sample sample = samples.sample(0);

      assertThat(sample.picture().places()).isBetween(1, DataFixture.FEATURES - 1);
      assertThat(
              Arrays.stream(sample.tokens().ids())
                  .filter(id -> id == DataFixture.SPLICE.placeholder()))
          .hasSize(sample.picture().places());
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "none.png|<image> x|y|none.png: there is no such file",
        "red-circle-top.png|x|y|has an image, and its text has <image> 0 times, expected once",
        "red-circle-top.png|<image> x|y <image>|has <image> 2 times",
        "~~|<image> x|y|its text has <image>, but it has no image",
        "~~|x|y </s> z|its rounds have",
        "~~|x|y ASSISTANT: z|its rounds have",
      })
  void badRowIsAnErrorNamingFileRowAndReason(
      String image, String question, String answer, String reason) {
    Path file =
        DataFixture.write(
            folder.resolve("bad.json"),
            "[%s, %s]".formatted(row("", "x", "y"), row(image, question, answer)));

    try (RowSamples samples = fixture().llava("bad.json", LlavaTemplate.V1, 200)) {
      assertThat(samples.sample(0).length()).isPositive();
      assertThatThrownBy(() -> samples.sample(1))
          .isInstanceOf(DataException.class)
          .hasMessageContaining(file + ", row 1: ")
          .hasMessageContaining(reason);
    }
  }

  @Test
  void rowWithoutALearnedTokenIsAnError() {
    try (RowSamples samples = fixture().llava(DrawnData.CAPTIONS, LlavaTemplate.PLAIN, 9)) {
      assertThatThrownBy(() -> samples.sample(3))
          .isInstanceOf(DataException.class)
          .hasMessageContaining("row 3: no token is learned of the first 9");
    }
  }

  @Test
  void questionWithoutAnswerIsAnError() {
    DataFixture.write(
        folder.resolve("bad.json"),
        "[{\"conversations\": [{\"from\": \"human\", \"value\": \"x\"}]}]");

    try (RowSamples samples = fixture().llava("bad.json", LlavaTemplate.V1, 200)) {
      assertThatThrownBy(() -> samples.sample(0)).hasMessageContaining("an answer is missing");
    }
  }

  @Test
  void lengthsAreWordsAndBelowZeroWithoutImage() {
    DataFixture.write(
        folder.resolve("some.json"),
        "[%s, %s, 7]".formatted(row(IMAGE, "<image>\\nWhat  is it?", "a dog"), row("", "a b", "")));

    try (RowSamples samples = fixture().llava("some.json", LlavaTemplate.V1, 200)) {
      assertThat(samples.lengths()).isEqualTo(List.of(6, -3, -1));
    }
  }

  @Test
  void tokenBeyondTheVocabularyIsAnError() {
    RowFile rows = RowFile.open(folder.resolve(DrawnData.CAPTIONS));
    try (RowSamples samples =
        new RowSamples(
            rows,
            new RowEncoding.Llava(LlavaTemplate.PLAIN, fixture().tokenizer()),
            new RowSamples.Limits(64, RowSamples.TooLong.CUT, 100),
            Optional.of(new RowSamples.Pictures(fixture().images(), DataFixture.SPLICE)))) {
      assertThatThrownBy(() -> samples.sample(0)).hasMessageContaining("vocabulary has 100");
    }
  }
}
