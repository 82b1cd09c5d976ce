package dev.upcycle.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.kernels.tensor.Tensors;
import dev.upcycle.model.EditedModel;
import dev.upcycle.model.ForwardPass;
import dev.upcycle.model.GoldenCase;
import dev.upcycle.model.LlavaModel;
import dev.upcycle.model.ModelOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Two LLaVAs over the same conversations, held against the whole logits of each, by hand in
/// float64.
class SampleComparerTest {
  private static final long IMAGE = 60;
  private static final long OTHER_IMAGE = -200;
  private static final int UNCUT = 1000;
  // Losses of float32, one rounding of which is 6e-8 of a loss of some nats.
  private static final double CLOSE = 1e-5;

  @TempDir private Path folder;
  private TensorScope scope;
  private LlavaModel model;
  private LlavaModel altered;
  private List<LabelledSample> samples;

  @BeforeEach
  void open() throws IOException {
    scope = TensorScope.open();
    GoldenCase golden = GoldenCase.vision("llava");
    model = LlavaModel.open(golden.checkpoint(), ModelOptions.cpu());
    altered = LlavaModel.open(altered(golden.checkpoint()), ModelOptions.cpu());
    samples = Stream.of(0, 1).map(row -> sample(golden, row)).toList();
  }

  @AfterEach
  void close() {
    model.close();
    altered.close();
    scope.close();
  }

  /// One changed tensor of the connector, and another id for places of images.
  private Checkpoint altered(Checkpoint dense) throws IOException {
    return EditedModel.of(dense)
        .zeroed("multi_modal_projector.linear_2.weight")
        .config("image_token_index", Long.toString(OTHER_IMAGE))
        .write(folder.resolve("altered"));
  }

  private static LabelledSample sample(GoldenCase golden, int row) {
    List<Long> ids =
        Arrays.stream(golden.ids().narrow(0, row, 1).squeeze(0).toLongs()).boxed().toList();
    List<Long> labels = ids.stream().map(id -> id == IMAGE ? -100 : id).toList();
    Tensor pixels = golden.tensor("pixel_values");
    long own = pixels.size(0) / golden.ids().size(0);
    return new LabelledSample(ids, labels, pixels.narrow(0, row * own, own));
  }

  /// The same conversation with another id for places of images.
  private static LabelledSample translated(LabelledSample sample) {
    List<Long> ids = sample.ids().stream().map(id -> id == IMAGE ? OTHER_IMAGE : id).toList();
    return new LabelledSample(ids, sample.labels(), sample.pixels());
  }

  private Comparison<SampleEvaluation> compare() {
    SampleComparer comparer = new SampleComparer(model, altered, UNCUT);
    samples.forEach(sample -> comparer.add(sample, translated(sample)));
    return comparer.comparison();
  }

  /// Logarithms of the probabilities before each labelled token.
  private static List<double[]> byHand(LlavaModel model, LabelledSample sample) {
    LongStream ids = sample.ids().stream().mapToLong(Long::longValue);
    Tensor pixels = Objects.requireNonNull(sample.pixels());
    try (Gradients.Pause _ = Gradients.pause()) {
      Tensor logits =
          model
              .forward(Tensors.of(ids.toArray()).unsqueeze(0), pixels, ForwardPass.plain())
              .logits()
              .squeeze(0);
      List<double[]> rows = new ArrayList<>();
      for (int place = 1; place < sample.labels().size(); place++) {
        if (sample.labels().get(place) >= 0) {
          rows.add(logSoftmax(logits.narrow(0, place - 1L, 1).toFloats()));
        }
      }
      return rows;
    }
  }

  private static double[] logSoftmax(float[] logits) {
    double sum = 0;
    for (float value : logits) {
      sum += Math.exp(value);
    }
    double[] logarithms = new double[logits.length];
    for (int i = 0; i < logits.length; i++) {
      logarithms[i] = logits[i] - Math.log(sum);
    }
    return logarithms;
  }

  private List<double[]> byHand(LlavaModel model) {
    return samples.stream()
        .map(sample -> model == altered ? translated(sample) : sample)
        .flatMap(sample -> byHand(model, sample).stream())
        .toList();
  }

  private List<Integer> labels() {
    return samples.stream()
        .flatMap(sample -> sample.labels().stream().skip(1))
        .filter(label -> label >= 0)
        .map(Math::toIntExact)
        .toList();
  }

  @Test
  void lossDifferenceAndItsErrorAreThoseOfTheLabelledTokensPairByPair() {
    List<double[]> ours = byHand(model);
    List<double[]> theirs = byHand(altered);
    List<Integer> labels = labels();
    double[] differences = new double[labels.size()];
    for (int i = 0; i < differences.length; i++) {
      differences[i] = ours.get(i)[labels.get(i)] - theirs.get(i)[labels.get(i)];
    }
    double mean = Arrays.stream(differences).average().orElseThrow();
    double squares = Arrays.stream(differences).map(one -> Math.pow(one - mean, 2)).sum();
    double error = Math.sqrt(squares / (differences.length - 1) / differences.length);

    Comparison<SampleEvaluation> found = compare();
    assertThat(found.loss().count()).isEqualTo(differences.length);
    assertThat(Math.abs(mean)).isGreaterThan(100 * CLOSE);
    assertThat(found.loss().mean()).isCloseTo(mean, within(CLOSE));
    assertThat(error).isGreaterThan(100 * CLOSE);
    assertThat(found.loss().standardError()).isCloseTo(error, within(CLOSE));
    assertThat(found.second().loss() - found.first().loss()).isCloseTo(mean, within(CLOSE));
  }

  @Test
  void divergenceAndAgreementAreThoseOfTheWholePredictions() {
    List<double[]> ours = byHand(model);
    List<double[]> theirs = byHand(altered);
    double divergence = 0;
    int agreeing = 0;
    for (int i = 0; i < ours.size(); i++) {
      for (int id = 0; id < ours.get(i).length; id++) {
        divergence += Math.exp(ours.get(i)[id]) * (ours.get(i)[id] - theirs.get(i)[id]);
      }
      agreeing += best(ours.get(i)) == best(theirs.get(i)) ? 1 : 0;
    }

    Comparison<SampleEvaluation> found = compare();
    assertThat(divergence / ours.size()).isGreaterThan(100 * CLOSE);
    assertThat(found.divergence()).isCloseTo(divergence / ours.size(), within(CLOSE));
    assertThat(found.agreement()).isEqualTo(agreeing / (double) ours.size());
  }

  private static int best(double[] row) {
    int best = 0;
    for (int i = 1; i < row.length; i++) {
      best = row[i] > row[best] ? i : best;
    }
    return best;
  }

  @Test
  void aModelDiffersFromItselfByNothing() {
    SampleComparer comparer = new SampleComparer(model, model, UNCUT);
    samples.forEach(sample -> comparer.add(sample, sample));
    Comparison<SampleEvaluation> found = comparer.comparison();

    assertThat(found.loss()).isEqualTo(new PairedDifference(labels().size(), 0, 0));
    assertThat(found.divergence()).isZero();
    assertThat(found.agreement()).isEqualTo(1);
    assertThat(found.second().counts()).isEqualTo(found.first().counts());
  }

  @Test
  void eachSideSaysWhatItSaysAlone() {
    SampleEvaluator alone = new SampleEvaluator(altered, UNCUT);
    samples.forEach(sample -> alone.add(translated(sample)));

    assertThat(compare().second().negativeLogLikelihood())
        .isEqualTo(alone.evaluation().negativeLogLikelihood());
    assertThat(compare().second().counts()).isEqualTo(alone.evaluation().counts());
  }

  @Test
  void idsOfImagesMayDifferAndNothingElse() {
    SampleComparer comparer = new SampleComparer(model, altered, UNCUT);
    LabelledSample ours = samples.getFirst();
    assertThat(comparer.difference(ours, translated(ours))).isEmpty();

    int last = ours.ids().size() - 1;
    List<Long> otherIds = new ArrayList<>(translated(ours).ids());
    otherIds.set(last, ours.ids().get(last) + 1);
    LabelledSample cutOtherwise = new LabelledSample(otherIds, ours.labels(), ours.pixels());
    assertThat(comparer.difference(ours, cutOtherwise))
        .contains(
            "token %d is id %d there and id %d here"
                .formatted(last, ours.ids().get(last) + 1, ours.ids().get(last)));
    assertThatThrownBy(() -> comparer.add(ours, cutOtherwise))
        .isInstanceOf(IllegalArgumentException.class);

    List<Long> fewer = new ArrayList<>(translated(ours).ids());
    fewer.remove(OTHER_IMAGE);
    LabelledSample narrower =
        new LabelledSample(fewer, ours.labels().subList(1, last + 1), ours.pixels());
    long places = Collections.frequency(ours.ids(), IMAGE);
    assertThat(comparer.difference(ours, narrower))
        .contains("its images take %d places there and %d here".formatted(places - 1, places));

    LabelledSample longer =
        new LabelledSample(
            Stream.concat(translated(ours).ids().stream(), Stream.of(5L)).toList(),
            Stream.concat(ours.labels().stream(), Stream.of(5L)).toList(),
            ours.pixels());
    assertThat(comparer.difference(ours, longer))
        .contains("it has %d tokens there and %d here".formatted(last + 2, last + 1));

    List<Long> masked = new ArrayList<>(ours.labels());
    masked.set(last, -100L);
    assertThat(
            comparer.difference(
                ours, new LabelledSample(translated(ours).ids(), masked, ours.pixels())))
        .contains("token %d is learned by one of them alone".formatted(last));
  }
}
