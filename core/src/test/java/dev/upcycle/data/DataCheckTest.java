package dev.upcycle.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.data.Batch.WithoutImage;
import dev.upcycle.data.MaskedText.Kind;
import dev.upcycle.recipe.DataSettings;
import dev.upcycle.recipe.DataSettings.Aspect;
import dev.upcycle.recipe.DataSettings.Sampling;
import dev.upcycle.recipe.DataSettings.Template;
import dev.upcycle.sample.DrawnData;
import dev.upcycle.sample.DrawnTokenizer;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// On a model that sees, of which only the configs are there.
class DataCheckTest {
  private static final int PATCHES = 16;

  @TempDir private Path folder;
  private Optional<ModelInput> model = Optional.empty();

  @BeforeEach
  void write() {
    DataFixture.in(folder).close();
    DataFixture.write(
        folder.resolve("config.json"),
        """
        {"model_type": "llava", "image_token_index": %d, "vision_feature_layer": -2,
         "vision_feature_select_strategy": "default",
         "vision_config": {"model_type": "clip_vision_model", "image_size": 28, "patch_size": 7,
           "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 3,
           "num_attention_heads": 4},
         "text_config": {"model_type": "mistral", "vocab_size": %d, "hidden_size": 96,
           "intermediate_size": 192, "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2,
           "eos_token_id": 2, "pad_token_id": 0}}\
        """
            .formatted(DrawnTokenizer.image(), DrawnTokenizer.vocabulary()));
    model = Optional.of(ModelInput.open(folder));
  }

  @AfterEach
  void close() {
    model.ifPresent(ModelInput::close);
  }

  private StageData stage(String file, Template template, int maxTokens) {
    return new StageData(
        new DataSettings(
            folder.resolve(file),
            Optional.of(folder.resolve(DrawnData.IMAGES)),
            template,
            Aspect.PAD,
            maxTokens,
            Sampling.MODALITY_LENGTH),
        model.orElseThrow());
  }

  private static DataReport run(StageData stage) throws InterruptedException {
    return DataCheck.run(stage, 2, _ -> {});
  }

  @Test
  void configsOfTheModelSayHowManyPlacesAnImageTakes() {
    ImageInput images = model.orElseThrow().images().orElseThrow();

    assertThat(images.splice()).isEqualTo(new Splice(DrawnTokenizer.image(), PATCHES));
    assertThat(images.side()).isEqualTo(28);
  }

  @Test
  void rowsTokensLabelsAndImagesAreCounted() throws InterruptedException {
    StageData stage = stage(DrawnData.QUESTIONS, Template.MISTRAL_INSTRUCT_SYSTEM, 160);
    long tokens = 0;
    long learned = 0;
    try (SampleSet samples = stage.open(1, SkipLimit.NONE)) {
      for (int i = 0; i < samples.size(); i++) {
        tokens += samples.sample(i).length();
        learned += samples.sample(i).tokens().learned();
      }
    }

    DataReport report = run(stage);

    assertThat(report.rows()).isEqualTo(450);
    assertThat(report.samples()).isEqualTo(450);
    assertThat(report.tokens()).isEqualTo(tokens);
    assertThat(report.learned()).isEqualTo(learned).isPositive();
    assertThat(report.images()).isEqualTo(360);
    assertThat(report.cut()).isZero();
    assertThat(report.lengths().stream().mapToLong(DataReport.Bucket::samples).sum())
        .isEqualTo(450);
    assertThat(report.bad()).isEmpty();
  }

  @Test
  void lengthsFallIntoTheStretchThatHoldsThem() throws InterruptedException {
    StageData stage = stage(DrawnData.CAPTIONS, Template.PLAIN, 30);
    int length;
    try (SampleSet samples = stage.open(1, SkipLimit.NONE)) {
      length = samples.sample(0).length();
    }

    DataReport report = run(stage);

    assertThat(report.lengths().getFirst().from()).isEqualTo(1);
    assertThat(report.lengths().getLast().to()).isEqualTo(30);
    assertThat(report.lengths())
        .filteredOn(bucket -> bucket.from() <= length && length <= bucket.to())
        .singleElement()
        .satisfies(bucket -> assertThat(bucket.samples()).isPositive());
  }

  @Test
  void exampleShowsWhatIsMaskedWhatIsLearnedAndTheImage() throws InterruptedException {
    MaskedText example = run(stage(DrawnData.CAPTIONS, Template.PLAIN, 64)).example().orElseThrow();

    assertThat(example.runs())
        .containsExactly(
            new MaskedText.Run(Kind.MASKED, "<s>", 1),
            new MaskedText.Run(Kind.IMAGE, "<image: 16 places>", PATCHES),
            new MaskedText.Run(Kind.LEARNED, "a red circle at the top\n", 7));
  }

  @Test
  void cutSequencesAreCounted() throws InterruptedException {
    DataReport report = run(stage(DrawnData.CAPTIONS, Template.PLAIN, 20));

    assertThat(report.cut()).isEqualTo(360);
    assertThat(report.badRows()).isZero();
  }

  @Test
  void badRowsAreNamedAndDoNotEndTheCheck() throws InterruptedException {
    DataFixture.write(
        folder.resolve("bad.json"),
        """
        [{"image": "none.png", "conversations": [
           {"from": "human", "value": "<image>"}, {"from": "gpt", "value": "a"}]},
         {"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]},
         {"conversations": [{"from": "robot", "value": "a"}]}]\
        """);

    DataReport report = run(stage("bad.json", Template.V1, 200));

    assertThat(report.badRows()).isEqualTo(2);
    assertThat(report.samples()).isEqualTo(1);
    assertThat(report.bad())
        .extracting(DataException::getMessage)
        .satisfiesExactly(
            first -> assertThat(first).contains("bad.json, row 0: ").contains("none.png"),
            second -> assertThat(second).contains("row 2: ").contains("unknown role 'robot'"));
  }

  @Test
  void rowsTurnsAndImagesAreCheckedWithoutAModel() throws InterruptedException {
    DataFixture.write(
        folder.resolve("bad.json"),
        """
        [{"image": "none.png", "conversations": [
           {"from": "human", "value": "<image>"}, {"from": "gpt", "value": "a"}]},
         {"image": "red-circle-top.png", "conversations": [
           {"from": "human", "value": "<image>"}, {"from": "gpt", "value": "a"}]},
         {"conversations": [{"from": "human", "value": "a"}, {"from": "human", "value": "b"}]},
         {"text": "a"}]\
        """);

    DataReport report = RowCheck.run(stage("bad.json", Template.V1, 200).settings(), 2, _ -> {});

    assertThat(report.images()).isEqualTo(1);
    assertThat(report.samples()).isEqualTo(1);
    assertThat(report.bad())
        .extracting(DataException::getMessage)
        .satisfiesExactly(
            first -> assertThat(first).contains("row 0: ").contains("none.png"),
            second -> assertThat(second).contains("row 2: ").contains("turn 2 is of user"),
            third -> assertThat(third).contains("row 3: is a text"));
  }

  @Test
  void fileThatCannotBeReadIsAnError() {
    assertThatThrownBy(() -> run(stage("none.json", Template.V1, 200)))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("no such file");
  }

  @Test
  void textsArePackedAndHaveNoImages() throws InterruptedException {
    DataFixture.write(folder.resolve("a.txt"), "a red circle at the top. ".repeat(20));

    DataReport report = run(stage("a.txt", Template.TEXT, 32));

    assertThat(report.rows()).isEqualTo(1);
    assertThat(report.samples()).isGreaterThan(3);
    assertThat(report.learned()).isEqualTo(report.tokens() - report.samples());
    assertThat(report.images()).isZero();
  }

  @Test
  void chatThatIsTooLongIsABadRow() throws InterruptedException {
    DataFixture.write(
        folder.resolve("chat_template.jinja"),
        "{% for m in messages %}[INST] {{ m['content'] }}\n{% endfor %}"
            + "{% if add_generation_prompt %}[INST]{% endif %}");
    DataFixture.write(
        folder.resolve("chat.jsonl"),
        """
        {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
        {"messages": [{"role": "user", "content": "%s"}, {"role": "assistant", "content": "b"}]}
        """
            .formatted("a ".repeat(50)));

    DataReport report = run(stage("chat.jsonl", Template.CHAT, 40));

    assertThat(report.samples()).isEqualTo(1);
    assertThat(report.bad())
        .singleElement()
        .extracting(DataException::getMessage)
        .asString()
        .contains("row 1: ")
        .contains("at most 40 fit");
  }

  @Test
  void samplesWithoutImageGiveZerosToAModelThatSees() {
    StageData stage = stage(DrawnData.QUESTIONS, Template.V1, 64);

    assertThat(stage.collation()).isEqualTo(new Batch.Collation(0, new WithoutImage.Zeros(28)));
  }

  @Test
  void samplerOfTheRecipeDecidesTheOrder() throws InterruptedException {
    StageData stage = stage(DrawnData.QUESTIONS, Template.V1, 160);
    try (SampleSet samples = stage.open(1, SkipLimit.NONE)) {
      assertThat(stage.order(samples, 8, 3).of(0))
          .isEqualTo(new SampleOrder.ByModalityAndLength(samples.lengths(), 8, 3).of(0));
    }
  }
}
