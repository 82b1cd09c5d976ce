package dev.upcycle.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.chat.LabelledTokens;
import dev.upcycle.sample.DrawnTokenizer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PackedTextsTest {
  private static final List<String> TEXTS = List.of("a red circle", "a", "Which shape is it?");

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

  private PackedTexts packed(List<String> texts, int maxTokens) throws InterruptedException {
    List<String> lines = texts.stream().map("{\"text\": \"%s\"}"::formatted).toList();
    return opened.orElseThrow().packed(String.join("\n", lines), maxTokens, SkipLimit.NONE);
  }

  private List<Long> ids(List<String> texts) {
    List<Long> ids = new ArrayList<>();
    for (String text : texts) {
      ids.addAll(opened.orElseThrow().tokenizer().encode(text));
      ids.add((long) DrawnTokenizer.end());
    }
    return ids;
  }

  @Test
  void sequencesHoldAllTokensInOrderAndAllButTheLastAreFull() throws InterruptedException {
    List<Long> all = ids(TEXTS);
    try (PackedTexts samples = packed(TEXTS, 6)) {
      List<Long> found =
          IntStream.range(0, samples.size())
              .mapToObj(samples::sample)
              .flatMapToLong(sample -> LongStream.of(sample.tokens().ids()))
              .boxed()
              .toList();

      assertThat(found).isEqualTo(all);
      assertThat(samples.tokens()).isEqualTo(all.size());
      assertThat(samples.sample(0).length()).isEqualTo(6);
      assertThat(samples.sample(1).length()).isEqualTo(6);
    }
  }

  @Test
  void documentsAreNumberedWithinASequenceAndTheirFirstTokensNotLearned()
      throws InterruptedException {
    int first = ids(TEXTS.subList(0, 1)).size();
    int second = ids(TEXTS.subList(1, 2)).size();
    try (PackedTexts samples = packed(TEXTS, 64)) {
      Tokens tokens = samples.sample(0).tokens();
      int[] expected = new int[tokens.length()];
      Arrays.fill(expected, first, first + second, 1);
      Arrays.fill(expected, first + second, expected.length, 2);
      long[] labels = tokens.ids();
      labels[0] = LabelledTokens.IGNORED;
      labels[first] = LabelledTokens.IGNORED;
      labels[first + second] = LabelledTokens.IGNORED;

      assertThat(tokens.documents()).isEqualTo(expected);
      assertThat(tokens.labels()).isEqualTo(labels);
    }
  }

  @Test
  void documentThatGoesOnInTheNextSequenceBeginsAtZeroThere() throws InterruptedException {
    int first = ids(TEXTS.subList(0, 1)).size();
    try (PackedTexts samples = packed(TEXTS, first - 2)) {
      Tokens tokens = samples.sample(1).tokens();

      assertThat(tokens.documents()).startsWith(0, 0, 1);
      assertThat(tokens.labels()[0]).isEqualTo(LabelledTokens.IGNORED);
      assertThat(tokens.labels()[1]).isEqualTo(DrawnTokenizer.end());
      assertThat(tokens.labels()[2]).isEqualTo(LabelledTokens.IGNORED);
    }
  }

  @Test
  void lastSequenceOfOneTokenDoesNotCount() throws InterruptedException {
    int all = ids(TEXTS).size();
    try (PackedTexts samples = packed(TEXTS, all - 1)) {
      assertThat(samples.size()).isEqualTo(1);
    }
  }

  @Test
  void badRowIsAnErrorOrIsPassedOverAndCounted() throws InterruptedException {
    String rows = "{\"text\": \"a\"}\n{\"text\": 7}\n{\"text\": \"b\"}\n";
    DataFixture fixture = opened.orElseThrow();

    assertThatThrownBy(() -> fixture.packed(rows, 8, SkipLimit.NONE))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("texts.jsonl, row 1: 'text' is a number");
    try (PackedTexts samples = fixture.packed(rows, 8, new SkipLimit(1))) {
      assertThat(samples.skipped()).hasSize(1);
      assertThat(samples.tokens()).isEqualTo(ids(List.of("a", "b")).size());
    }
  }
}
