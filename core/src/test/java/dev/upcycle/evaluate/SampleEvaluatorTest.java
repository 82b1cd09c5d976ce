package dev.upcycle.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.model.GoldenCase;
import dev.upcycle.model.LlavaModel;
import dev.upcycle.model.ModelOptions;
import dev.upcycle.recipe.Part;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SampleEvaluatorTest {
  private static final long IMAGE = 60;
  private static final int UNCUT = 1000;

  /// The first row of a golden case with its image.
  private static LabelledSample sample(GoldenCase golden, List<Long> labels) {
    Tensor pixels = golden.tensor("pixel_values");
    Tensor own = pixels.narrow(0, 0, pixels.size(0) / golden.ids().size(0));
    return new LabelledSample(ids(golden), labels, own);
  }

  private static List<Long> ids(GoldenCase golden) {
    return Arrays.stream(golden.ids().narrow(0, 0, 1).squeeze(0).toLongs()).boxed().toList();
  }

  /// Every second token that is no place of an image.
  private static List<Long> everySecond(List<Long> ids) {
    List<Long> labels = new ArrayList<>();
    for (int i = 0; i < ids.size(); i++) {
      labels.add(i % 2 == 0 || ids.get(i) == IMAGE ? -100 : ids.get(i));
    }
    return labels;
  }

  /// Mean loss of labels by logits that transformers computed.
  private static double expected(GoldenCase golden, List<Long> labels) {
    float[][] logits = new float[labels.size()][];
    Tensor row = golden.tensor("main").narrow(0, 0, 1).squeeze(0);
    double sum = 0;
    int count = 0;
    for (int place = 1; place < labels.size(); place++) {
      if (labels.get(place) >= 0) {
        logits[place] = row.narrow(0, place - 1, 1).toFloats();
        double total = 0;
        for (float value : logits[place]) {
          total += Math.exp(value);
        }
        sum += Math.log(total) - logits[place][Math.toIntExact(labels.get(place))];
        count++;
      }
    }
    return sum / count;
  }

  private static SampleEvaluation evaluate(GoldenCase golden, int context, LabelledSample sample) {
    try (LlavaModel model = LlavaModel.open(golden.checkpoint(), ModelOptions.cpu())) {
      SampleEvaluator evaluator = new SampleEvaluator(model, context);
      evaluator.add(sample);
      return evaluator.evaluation();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"llava", "llava-mixtral", "llava-moe"})
  void lossIsThatOfTransformersLogitsAtTheLabelledTokens(String name) {
    GoldenCase golden = GoldenCase.vision(name);
    try (TensorScope _ = TensorScope.open()) {
      List<Long> labels = everySecond(ids(golden));
      SampleEvaluation evaluation = evaluate(golden, UNCUT, sample(golden, labels));
      assertThat(evaluation.loss()).isCloseTo(expected(golden, labels), within(1e-4));
      assertThat(evaluation.counts().scored())
          .isEqualTo(labels.stream().filter(label -> label >= 0).count());
    }
  }

  @Test
  void aSampleIsExactWhereEveryScoredTokenIsTheLikeliest() {
    GoldenCase golden = GoldenCase.vision("llava");
    try (TensorScope _ = TensorScope.open()) {
      List<Long> labels = new ArrayList<>(everySecond(ids(golden)));
      Tensor row = golden.tensor("main").narrow(0, 0, 1).squeeze(0);
      for (int place = 1; place < labels.size(); place++) {
        if (labels.get(place) >= 0) {
          labels.set(place, row.narrow(0, place - 1, 1).argmax().toLongs()[0]);
        }
      }
      assertThat(evaluate(golden, UNCUT, sample(golden, labels)).accuracy()).isEqualTo(1);

      int last = labels.size() - 1 - (labels.getLast() < 0 ? 1 : 0);
      labels.set(last, labels.get(last) == 0 ? 1L : 0L);
      assertThat(evaluate(golden, UNCUT, sample(golden, labels)).accuracy()).isZero();
    }
  }

  @Test
  void whatComesAfterTheContextIsCutOff() {
    GoldenCase golden = GoldenCase.vision("llava");
    try (TensorScope _ = TensorScope.open()) {
      List<Long> ids = ids(golden);
      int context = ids.size() - 3;
      List<Long> labels = everySecond(ids);
      List<Long> cut = new ArrayList<>(labels);
      for (int i = context; i < cut.size(); i++) {
        cut.set(i, -100L);
      }
      SampleEvaluation evaluation = evaluate(golden, context, sample(golden, labels));
      assertThat(evaluation.loss()).isCloseTo(expected(golden, cut), within(1e-4));
      assertThat(evaluation.counts().tokens()).isEqualTo(context);
    }
  }

  @Test
  void expertsAreCountedByWhatTheirTokensAre() {
    GoldenCase golden = GoldenCase.vision("llava-mixtral");
    try (TensorScope _ = TensorScope.open()) {
      List<Long> ids = ids(golden);
      SampleEvaluation evaluation = evaluate(golden, UNCUT, sample(golden, everySecond(ids)));
      long images = ids.stream().filter(id -> id == IMAGE).count();
      assertThat(evaluation.counts().imageTokens()).isEqualTo(images).isPositive();
      assertThat(evaluation.layers()).isNotEmpty();
      assertThat(evaluation.layers())
          .allSatisfy(layer -> {
            assertThat(layer.part()).isEqualTo(Part.LANGUAGE);
            assertThat(layer.image().assignments()).isEqualTo(2 * images);
            assertThat(layer.text().assignments()).isEqualTo(2 * (ids.size() - images));
          });
    }
  }

  @Test
  void towersAndConnectorsSeeImagesOnlyAtEveryScale() {
    GoldenCase golden = GoldenCase.vision("llava-moe");
    try (TensorScope _ = TensorScope.open()) {
      List<Long> ids = ids(golden);
      SampleEvaluation evaluation = evaluate(golden, UNCUT, sample(golden, everySecond(ids)));
      assertThat(evaluation.layers())
          .extracting(layer -> layer.part().key() + layer.layer())
          .containsExactly("vision0", "vision1", "connector0");
      long images = evaluation.counts().images();
      int places = 17;
      int passes = 1 + 3 * 3;
      assertThat(evaluation.layers().getFirst().image().assignments())
          .isEqualTo(2 * images * passes * places);
      assertThat(evaluation.layers().getLast().image().assignments())
          .isEqualTo(2 * images * (places - 1));
      assertThat(evaluation.layers())
          .allSatisfy(layer -> assertThat(layer.text().assignments()).isZero());
    }
  }

  @Test
  void aSampleOfWordsNeedsNoImage() {
    GoldenCase golden = GoldenCase.vision("llava");
    LabelledSample words = new LabelledSample(List.of(1L, 5L, 7L), List.of(-100L, -100L, 7L), null);
    SampleEvaluation evaluation = evaluate(golden, UNCUT, words);
    assertThat(evaluation.counts()).isEqualTo(new SampleEvaluation.Counts(1, 0, 0, 3, 0, 1, 0));
    assertThat(evaluation.loss()).isPositive();
  }
}
