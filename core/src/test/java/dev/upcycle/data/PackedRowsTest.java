package dev.upcycle.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.chat.LabelledTokens;
import dev.upcycle.data.Batch.WithoutImage;
import dev.upcycle.recipe.DataSettings;
import dev.upcycle.recipe.DataSettings.Aspect;
import dev.upcycle.recipe.DataSettings.Sampling;
import dev.upcycle.recipe.DataSettings.Template;
import dev.upcycle.sample.DrawnTokenizer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Conversations for a decoder, of which only the config is there.
class PackedRowsTest {
  private static final int MAX_TOKENS = 128;
  private static final List<String> ANSWERS =
      List.of("circle", "a red circle at the top", "green", "left", "a blue square", "yes");

  @TempDir private Path folder;
  private Optional<ModelInput> model = Optional.empty();

  @BeforeEach
  void write() {
    DrawnTokenizer.writeTo(folder);
    DataFixture.write(
        folder.resolve("config.json"),
        """
        {"model_type": "mistral", "vocab_size": %d, "hidden_size": 96, "intermediate_size": 192,
         "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2,
         "eos_token_id": 2, "pad_token_id": 0}\
        """
            .formatted(DrawnTokenizer.vocabulary()));
    DataFixture.write(
        folder.resolve("chat_template.jinja"),
        "{% for m in messages %}{% if m['role'] == 'assistant' %}{% generation %}"
            + "{{ m['content'] }}</s>{% endgeneration %}{% else %}<s>{{ m['content'] }}{% endif %}"
            + "{% endfor %}");
    model = Optional.of(ModelInput.open(folder));
  }

  @AfterEach
  void close() {
    model.ifPresent(ModelInput::close);
  }

  /// Conversations in the form that a template takes.
  enum Form {
    CHAT(Template.CHAT, "messages", "role", "content", "user", "assistant"),
    LLAVA(Template.V1, "conversations", "from", "value", "human", "gpt");

    private final Template template;
    private final String row;

    Form(Template template, String list, String who, String what, String asks, String answers) {
      this.template = template;
      this.row =
          "{\"%s\": [{\"%s\": \"%s\", \"%s\": \"Which shape is it?\"}, {\"%s\": \"%s\", \"%s\": \"%%s\"}]}"
              .formatted(list, who, asks, what, who, answers, what);
    }
  }

  private StageData stage(Form form, List<String> rows) {
    Path file = DataFixture.write(folder.resolve("rows.jsonl"), String.join("\n", rows));
    return new StageData(
        new DataSettings(
            file, Optional.empty(), form.template, Aspect.SQUARE, MAX_TOKENS, Sampling.RANDOM),
        model.orElseThrow());
  }

  private static List<String> rows(Form form, List<String> answers) {
    return answers.stream().map(form.row::formatted).toList();
  }

  private SampleSet open(Form form, List<String> answers) throws InterruptedException {
    return stage(form, rows(form, answers)).open(2, SkipLimit.NONE);
  }

  private Tokens alone(Form form, String answer) throws InterruptedException {
    try (SampleSet samples = open(form, List.of(answer))) {
      return samples.sample(0).tokens();
    }
  }

  private static List<Sample> all(SampleSet samples) {
    return IntStream.range(0, samples.size()).mapToObj(samples::sample).toList();
  }

  /// The stretch of a sequence that is one row.
  private static Tokens row(Tokens sequence, int number) {
    int[] documents = sequence.documents();
    int from = 0;
    while (documents[from] != number) {
      from++;
    }
    int to = from;
    while (to < documents.length && documents[to] == number) {
      to++;
    }
    return Tokens.ofOne(
        Arrays.copyOfRange(sequence.ids(), from, to),
        Arrays.copyOfRange(sequence.labels(), from, to));
  }

  @ParameterizedTest
  @EnumSource
  void idsAndLabelsOfEveryRowAreThoseOfTheRowByItself(Form form) throws InterruptedException {
    List<String> expected = new ArrayList<>();
    for (String answer : ANSWERS) {
      expected.add(told(alone(form, answer)));
    }
    try (SampleSet samples = open(form, ANSWERS)) {
      List<String> found = new ArrayList<>();
      for (Sample sample : all(samples)) {
        int rows = 1 + Arrays.stream(sample.tokens().documents()).max().orElseThrow();
        IntStream.range(0, rows).forEach(row -> found.add(told(row(sample.tokens(), row))));
      }
      assertThat(samples.size()).isLessThan(ANSWERS.size());
      assertThat(found).containsExactlyInAnyOrderElementsOf(expected).doesNotHaveDuplicates();
    }
  }

  private static String told(Tokens tokens) {
    return Arrays.toString(tokens.ids()) + Arrays.toString(tokens.labels());
  }

  @ParameterizedTest
  @EnumSource
  void whatIsLearnedIsTheAnswerAndNothingAcrossABorder(Form form) throws InterruptedException {
    try (SampleSet samples = open(form, ANSWERS)) {
      for (Sample sample : all(samples)) {
        long[] labels = sample.tokens().labels();
        int[] documents = sample.tokens().documents();
        for (int i = 1; i < labels.length; i++) {
          if (documents[i] != documents[i - 1]) {
            assertThat(labels[i]).isEqualTo(LabelledTokens.IGNORED);
            assertThat(labels[i - 1]).as("the end of an answer").isEqualTo(DrawnTokenizer.end());
          }
        }
        assertThat(sample.length()).isLessThanOrEqualTo(MAX_TOKENS);
      }
    }
  }

  @Test
  void aModelThatAnswersInItsFirstTokenDoesNotLearnItFromTheRowBefore()
      throws InterruptedException {
    DataFixture.write(
        folder.resolve("chat_template.jinja"),
        "{% for m in messages %}{% generation %}{{ m['content'] }}</s>{% endgeneration %}"
            + "{% endfor %}");
    try (SampleSet samples = open(Form.CHAT, ANSWERS.subList(0, 2))) {
      Tokens tokens = samples.sample(0).tokens();
      int border = (int) Arrays.stream(tokens.documents()).filter(row -> row == 0).count();
      assertThat(tokens.labels()[border]).isEqualTo(LabelledTokens.IGNORED);
      assertThat(tokens.labels()[border + 1]).isEqualTo(tokens.ids()[border + 1]);
    }
  }

  @Test
  void aChatThatIsTooLongIsAnErrorOrIsPassedOver() throws InterruptedException {
    List<String> rows =
        rows(Form.CHAT, List.of("circle", "a red circle at the top ".repeat(30), "green"));
    StageData stage = stage(Form.CHAT, rows);
    assertThatThrownBy(() -> stage.open(2, SkipLimit.NONE))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("rows.jsonl, row 1: ")
        .hasMessageContaining("at most 128 fit");
    try (SampleSet samples = stage.open(2, new SkipLimit(1))) {
      assertThat(samples.size()).isEqualTo(1);
      assertThat(samples.skipped()).hasSize(1);
      assertThat(samples.sample(0).tokens().documents()).contains(0, 1).doesNotContain(2);
    }
  }

  @Test
  void aConversationOfLlavasThatIsTooLongIsCutAndIsASequenceByItself() throws InterruptedException {
    List<String> answers = List.of("circle", "a red circle at the top ".repeat(30), "green");
    try (SampleSet samples = open(Form.LLAVA, answers)) {
      assertThat(all(samples)).extracting(Sample::length).contains(MAX_TOKENS);
      assertThat(samples.sample(1).tokens().documents()).containsOnly(0);
      assertThat(samples.sample(1).uncut()).isGreaterThan(MAX_TOKENS);
    }
    DataReport report = DataCheck.run(stage(Form.LLAVA, rows(Form.LLAVA, answers)), 2, _ -> {});
    assertThat(report.rows()).isEqualTo(3);
    assertThat(report.samples()).isEqualTo(2);
    assertThat(report.cut()).isEqualTo(1);
  }

  @Test
  void everyRowBadIsReportedByTheCheck() throws InterruptedException {
    DataReport report = DataCheck.run(stage(Form.CHAT, List.of("7", "{}")), 2, _ -> {});
    assertThat(report.badRows()).isEqualTo(2);
    assertThat(report.samples()).isZero();
  }

  @Test
  void aRowWithAnImageIsRefused() {
    String row = Form.LLAVA.row.formatted("circle").replaceFirst("\\{", "{\"image\": \"a.png\", ");
    StageData stage = stage(Form.LLAVA, List.of(row.replace("Which", "<image>")));
    assertThatThrownBy(() -> stage.open(1, SkipLimit.NONE))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("row 0: has an image, and the model takes none");
  }

  private static List<String> take(BatchSource source, int count) throws InterruptedException {
    List<String> taken = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Batch batch = source.next().orElseThrow();
      taken.add(
          batch.rows()
              + Arrays.toString(batch.ids())
              + Arrays.toString(batch.labels())
              + Arrays.toString(batch.documents()));
    }
    return taken;
  }

  @ParameterizedTest
  @EnumSource
  void aSavedPositionInTheMiddleOfAnEpochGoesOnWithTheSameBatches(Form form)
      throws InterruptedException {
    List<String> answers =
        IntStream.range(0, 120).mapToObj(i -> "red ".repeat(i % 7 + 1) + "circle").toList();
    StageData stage = stage(form, rows(form, answers));
    Position saved;
    List<String> rest;
    try (SampleSet samples = stage.open(1, SkipLimit.NONE);
        BatchSource source = source(stage, samples, 1)) {
      int epoch = samples.size() / 2;
      take(source, epoch / 2);
      saved = source.position();
      rest = take(source, epoch);
      assertThat(saved.epoch()).isZero();
      assertThat(source.position().epoch()).isEqualTo(1);
    }
    try (SampleSet samples = stage.open(3, SkipLimit.NONE);
        BatchSource source = source(stage, samples, 3)) {
      assertThat(take(source, rest.size())).as("from the beginning").isNotEqualTo(rest);
      source.seek(saved);
      assertThat(take(source, rest.size())).isEqualTo(rest);
    }
  }

  private static BatchSource source(StageData stage, SampleSet samples, int threads) {
    return new BatchSource(
        samples,
        stage.order(samples, 2, 7),
        new BatchSource.Settings(
            2,
            stage.collation(),
            new SkippedRows(SkipLimit.NONE),
            new BatchSource.Work(threads, 2 * threads),
            BatchSource.Passes.ENDLESS));
  }

  @Test
  void batchesHaveNoImages() throws InterruptedException {
    StageData stage = stage(Form.CHAT, rows(Form.CHAT, ANSWERS));
    assertThat(stage.collation().withoutImage()).isEqualTo(new WithoutImage.Nothing());
    try (SampleSet samples = stage.open(1, SkipLimit.NONE)) {
      Batch batch = Batch.of(List.of(samples.sample(0)), stage.collation());
      assertThat(batch.packed()).isTrue();
      assertThat(batch.images().count()).isZero();
    }
  }
}
