package dev.upcycle.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.chat.LabelledTokens;
import dev.upcycle.chat.LlavaTemplate;
import dev.upcycle.data.Batch.WithoutImage;
import dev.upcycle.data.BatchSource.Passes;
import dev.upcycle.image.ImageTensor;
import dev.upcycle.sample.DrawnData;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class BatchSourceTest {
  private static final long PADDING = 999;
  private static final WithoutImage ZEROS = new WithoutImage.Zeros(DrawnData.SIDE);

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

  private static BatchSource.Settings settings(int threads, Passes passes) {
    return new BatchSource.Settings(
        3,
        new Batch.Collation(PADDING, ZEROS),
        new SkippedRows(SkipLimit.NONE),
        new BatchSource.Work(threads, 2 * threads),
        passes);
  }

  private RowSamples questions() {
    return opened.orElseThrow().llava(DrawnData.QUESTIONS, LlavaTemplate.V1, 200);
  }

  private static String told(Batch batch) {
    return batch.rows()
        + Arrays.toString(batch.ids())
        + Arrays.toString(batch.labels())
        + Arrays.hashCode(batch.images().values())
        + batch.images().places();
  }

  private static List<String> take(BatchSource source, int count) throws InterruptedException {
    List<String> taken = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      taken.add(told(source.next().orElseThrow()));
    }
    return taken;
  }

  @Test
  void batchesAreTheSameAtAnyNumberOfThreads() throws InterruptedException {
    List<List<String>> runs = new ArrayList<>();
    for (int threads : new int[] {1, 4}) {
      try (RowSamples samples = questions();
          BatchSource source =
              new BatchSource(
                  samples,
                  new SampleOrder.Shuffled(samples.size(), 7),
                  settings(threads, Passes.ENDLESS))) {
        runs.add(take(source, 20));
      }
    }

    assertThat(runs.getFirst()).isEqualTo(runs.getLast()).doesNotHaveDuplicates();
  }

  @Test
  void savedPositionGoesOnWithTheSameBatchesAlsoIntoTheNextEpoch() throws InterruptedException {
    try (RowSamples samples = questions()) {
      int epoch = samples.size() / 3;
      SampleOrder order = new SampleOrder.ByModalityAndLength(samples.lengths(), 6, 7);
      Position saved;
      List<String> rest;
      try (BatchSource source = new BatchSource(samples, order, settings(2, Passes.ENDLESS))) {
        take(source, epoch - 2);
        saved = source.position();
        rest = take(source, 5);
        assertThat(source.position().epoch()).isEqualTo(1);
      }
      try (BatchSource source = new BatchSource(samples, order, settings(3, Passes.ENDLESS))) {
        take(source, 1);
        source.seek(saved);

        assertThat(source.position()).isEqualTo(saved);
        assertThat(take(source, 5)).isEqualTo(rest);
      }
    }
  }

  @Test
  void singlePassGivesEveryRowOnceAndEnds() throws InterruptedException {
    try (RowSamples samples = questions();
        BatchSource source =
            new BatchSource(
                samples, new SampleOrder.Sequential(samples.size()), settings(2, Passes.ONE))) {
      List<Long> rows = new ArrayList<>();
      for (Optional<Batch> batch = source.next(); batch.isPresent(); batch = source.next()) {
        rows.addAll(batch.orElseThrow().rows());
      }

      assertThat(rows).hasSize(samples.size()).isSorted().doesNotHaveDuplicates();
    }
  }

  @Test
  void orderOfFewerSamplesTakesThoseAndNoMore() throws InterruptedException {
    try (RowSamples samples = questions();
        BatchSource source =
            new BatchSource(samples, new SampleOrder.Sequential(4), settings(2, Passes.ONE))) {
      assertThat(source.next().orElseThrow().rows()).containsExactly(0L, 1L, 2L);
      assertThat(source.next().orElseThrow().rows()).containsExactly(3L);
      assertThat(source.next()).isEmpty();
    }
  }

  @Test
  void orderOfMoreSamplesThanThereAreIsRefused() {
    try (RowSamples samples = questions()) {
      SampleOrder order = new SampleOrder.Sequential(samples.size() + 1);

      assertThatThrownBy(() -> new BatchSource(samples, order, settings(2, Passes.ONE)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("an order of 451 samples for 450");
    }
  }

  private BatchSource withBadRows(RowSamples samples, long skip) {
    return withBadRows(samples, new SkippedRows(new SkipLimit(skip)));
  }

  private BatchSource withBadRows(RowSamples samples, SkippedRows skipped) {
    return new BatchSource(
        samples,
        new SampleOrder.Sequential(samples.size()),
        new BatchSource.Settings(
            2,
            new Batch.Collation(PADDING, ZEROS),
            skipped,
            new BatchSource.Work(2, 4),
            Passes.ENDLESS));
  }

  private RowSamples someBad() {
    String good =
        "{\"conversations\": [{\"from\": \"human\", \"value\": \"a\"}, {\"from\": \"gpt\","
            + " \"value\": \"b\"}]}";
    String missing =
        good.replaceFirst("\\{", "{\"image\": \"none.png\", ").replace("\"a\"", "\"<image>\"");
    DataFixture.write(
        folder.resolve("bad.json"),
        "[%s, %s, %s, 7, %s, %s]".formatted(good, missing, good, good, good));
    return opened.orElseThrow().llava("bad.json", LlavaTemplate.V1, 200);
  }

  @Test
  void badRowsArePassedOverAndCounted() throws InterruptedException {
    try (RowSamples samples = someBad();
        BatchSource source = withBadRows(samples, 2)) {
      assertThat(source.next().orElseThrow().rows()).containsExactly(0L, 2L);
      assertThat(source.next().orElseThrow().rows()).containsExactly(4L, 5L);
      String file = folder.resolve("bad.json").toString();
      assertThat(source.position())
          .isEqualTo(new Position(1, 0, List.of(new RowPlace(file, 1), new RowPlace(file, 3))));
    }
  }

  @Test
  void passedOverRowsAreToldOnceWithTheirReasons() throws InterruptedException {
    SkippedRows skipped = new SkippedRows(new SkipLimit(2));
    try (RowSamples samples = someBad();
        BatchSource source = withBadRows(samples, skipped)) {
      take(source, 2);
      assertThat(skipped.told())
          .extracting(DataException::getMessage)
          .satisfiesExactly(
              first -> assertThat(first).contains("row 1: ").contains("none.png"),
              second -> assertThat(second).contains("row 3: expected an object"));
      take(source, 4);
      assertThat(skipped.told()).isEmpty();
    }
  }

  @Test
  void aBadRowCountsOnceHoweverManyEpochsMeetIt() throws InterruptedException {
    try (RowSamples samples = someBad();
        BatchSource source = withBadRows(samples, 2)) {
      take(source, 6);
      assertThat(source.position().epoch()).isEqualTo(3);
      assertThat(source.position().skipped()).hasSize(2);
    }
  }

  @Test
  void rowsThatWerePassedOverBeforeAResumeDoNotCountAgain() throws InterruptedException {
    try (RowSamples samples = someBad()) {
      Position saved;
      try (BatchSource source = withBadRows(samples, 2)) {
        take(source, 2);
        saved = source.position();
      }
      try (BatchSource source = withBadRows(samples, 2)) {
        source.seek(saved);
        take(source, 2);
        assertThat(source.position()).isEqualTo(new Position(2, 0, saved.skipped()));
      }
    }
  }

  @Test
  void dataOfBadRowsAloneEndInsteadOfGoingRound() {
    DataFixture.write(folder.resolve("none.json"), "[1, 2]");
    try (RowSamples samples = opened.orElseThrow().llava("none.json", LlavaTemplate.V1, 200);
        BatchSource source = withBadRows(samples, 9)) {
      assertThatThrownBy(source::next)
          .isInstanceOf(DataException.class)
          .hasMessageContaining("none.json, row 1: ")
          .hasMessageContaining("all others are bad too");
    }
  }

  @Test
  void oneBadRowTooManyIsAnErrorAlsoAfterAResume() throws InterruptedException {
    try (RowSamples samples = someBad()) {
      Position saved;
      try (BatchSource source = withBadRows(samples, 1)) {
        source.next();
        saved = source.position();
        assertThatThrownBy(source::next)
            .isInstanceOf(DataException.class)
            .hasMessageContaining("bad.json, row 3: ")
            .hasMessageEndingWith("it is bad row 2, and at most 1 are passed over");
      }
      try (BatchSource source = withBadRows(samples, 1)) {
        source.seek(saved);
        assertThatThrownBy(source::next).hasMessageContaining("row 3: ");
      }
    }
  }

  @Test
  void shorterRowsAreFilledUpAtTheirEnd() throws InterruptedException {
    try (RowSamples samples = questions();
        BatchSource source =
            new BatchSource(
                samples, new SampleOrder.Sequential(samples.size()), settings(1, Passes.ONE))) {
      source.next();
      Batch batch = source.next().orElseThrow();
      Tokens first = samples.sample(3).tokens();

      assertThat(batch.rows()).containsExactly(3L, 4L, 5L);
      assertThat(batch.lengths()[1]).isLessThan(batch.seq());
      for (int row = 0; row < batch.size(); row++) {
        for (int place = 0; place < batch.seq(); place++) {
          int at = row * batch.seq() + place;
          boolean filling = place >= batch.lengths()[row];
          assertThat(batch.ids()[at] == PADDING).isEqualTo(filling);
          assertThat(batch.documents()[at]).isEqualTo(filling ? Batch.NO_DOCUMENT : 0);
          assertThat(!filling || batch.labels()[at] == LabelledTokens.IGNORED).isTrue();
        }
      }
      assertThat(Arrays.copyOf(batch.ids(), first.length())).isEqualTo(first.ids());
      assertThat(batch.packed()).isFalse();
      assertThat(batch.tokens()).isEqualTo(Arrays.stream(batch.lengths()).sum());
    }
  }

  @Test
  void rowWithoutImageGivesZerosOrNothing() throws InterruptedException {
    try (RowSamples samples = questions()) {
      int without =
          samples
              .lengths()
              .indexOf(samples.lengths().stream().filter(l -> l < 0).findFirst().orElseThrow());
      List<Sample> two = List.of(samples.sample(without), samples.sample(0));
      int one = 3 * DrawnData.SIDE * DrawnData.SIDE;
      ImageTensor image = two.getLast().picture().pixels().orElseThrow();

      Batch.Images zeros = Batch.of(two, new Batch.Collation(0, ZEROS)).images();
      Batch.Images nothing =
          Batch.of(two, new Batch.Collation(0, new WithoutImage.Nothing())).images();

      assertThat(zeros.places()).containsExactly(0, DataFixture.FEATURES);
      assertThat(Arrays.copyOf(zeros.values(), one)).containsOnly(0f);
      assertThat(Arrays.copyOfRange(zeros.values(), one, 2 * one)).isEqualTo(image.values());
      assertThat(nothing.places()).containsExactly(DataFixture.FEATURES);
      assertThat(nothing.values()).isEqualTo(image.values());
    }
  }

  @Test
  void packedTextsKeepTheirBorders() throws InterruptedException {
    String rows = "{\"text\": \"a red circle\"}\n{\"text\": \"a\"}\n";
    try (PackedTexts samples = opened.orElseThrow().packed(rows, 32, SkipLimit.NONE)) {
      Batch batch = Batch.of(List.of(samples.sample(0)), new Batch.Collation(0, ZEROS));

      assertThat(batch.packed()).isTrue();
      assertThat(Arrays.stream(batch.documents()).distinct()).containsExactly(0, 1);
    }
  }
}
