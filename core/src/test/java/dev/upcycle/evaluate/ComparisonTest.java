package dev.upcycle.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.LibTorch;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.kernels.tensor.Tensors;
import dev.upcycle.model.DecoderModel;
import dev.upcycle.model.EditedModel;
import dev.upcycle.model.ForwardPass;
import dev.upcycle.model.ModelOptions;
import dev.upcycle.sample.SampleModel;
import dev.upcycle.text.TextModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Two models that truly differ, compared by the evaluator and by hand: each scored token's whole
/// distribution, in float64, from the logits of the first window that reaches it.
class ComparisonTest {
  private static final int CONTEXT = 64;
  private static final int STRIDE = 24;
  private static final int CHARACTERS = 1200;
  // Losses and logarithms of float32, one rounding of which is 6e-8 of a loss of some nats.
  private static final double CLOSE = 1e-5;

  @TempDir private Path folder;
  private DecoderModel model;
  private DecoderModel altered;
  private List<Long> ids;
  private List<Pair> byHand;

  /// What both models say of one token.
  ///
  /// @param first logarithms of the first model's probabilities
  /// @param second of the second's
  private record Pair(long label, List<Double> first, List<Double> second) {
    double difference() {
      return first.get((int) label) - second.get((int) label);
    }

    double divergence() {
      return divergence(first, second);
    }

    double divergenceBack() {
      return divergence(second, first);
    }

    private static double divergence(List<Double> p, List<Double> q) {
      return IntStream.range(0, p.size())
          .mapToDouble(i -> Math.exp(p.get(i)) * (p.get(i) - q.get(i)))
          .sum();
    }

    boolean agrees() {
      return best(first) == best(second);
    }

    private static int best(List<Double> values) {
      return IntStream.range(0, values.size())
          .reduce((a, b) -> values.get(b) > values.get(a) ? b : a)
          .orElseThrow();
    }
  }

  @BeforeEach
  void compareByHand() throws IOException {
    LibTorch.useThreads(1);
    Path dense = folder.resolve("dense");
    SampleModel.writeTo(dense);
    String text = Files.readString(dense.resolve("held-out.txt")).substring(0, CHARACTERS);
    try (TextModel opened = TextModel.open(dense, "cpu", "f32")) {
      ids = opened.encode(text);
    }
    model = DecoderModel.open(Checkpoint.open(dense), ModelOptions.cpu());
    altered =
        DecoderModel.open(
            EditedModel.of(Checkpoint.open(dense))
                .swapped("model.layers.0.mlp.up_proj.weight", "model.layers.1.mlp.up_proj.weight")
                .write(folder.resolve("altered")),
            ModelOptions.cpu());
    byHand = pairs();
  }

  @AfterEach
  void close() {
    model.close();
    altered.close();
  }

  private List<Pair> pairs() {
    List<Pair> pairs = new ArrayList<>();
    for (int begin = 0; pairs.size() < ids.size() - 1; begin += STRIDE) {
      List<Long> window = ids.subList(begin, Math.min(begin + CONTEXT, ids.size()));
      List<List<Double>> first = logProbabilities(model, window);
      List<List<Double>> second = logProbabilities(altered, window);
      for (int token = pairs.size() + 1; token < begin + window.size(); token++) {
        int before = token - 1 - begin;
        pairs.add(new Pair(ids.get(token), first.get(before), second.get(before)));
      }
    }
    return pairs;
  }

  private static List<List<Double>> logProbabilities(DecoderModel model, List<Long> window) {
    long[] seen = window.stream().mapToLong(Long::longValue).toArray();
    try (TensorScope _ = TensorScope.open();
        Gradients.Pause _ = Gradients.pause()) {
      Tensor logits =
          model.forward(Tensors.of(seen).unsqueeze(0), ForwardPass.plain()).logits().squeeze(0);
      int vocab = Math.toIntExact(logits.size(1));
      float[] all = logits.toFloats();
      return IntStream.range(0, seen.length)
          .mapToObj(row -> logSoftmax(Arrays.copyOfRange(all, row * vocab, (row + 1) * vocab)))
          .toList();
    }
  }

  private static List<Double> logSoftmax(float[] logits) {
    double sum = IntStream.range(0, logits.length).mapToDouble(i -> Math.exp(logits[i])).sum();
    return IntStream.range(0, logits.length).mapToObj(i -> logits[i] - Math.log(sum)).toList();
  }

  private Comparison<Evaluation> compare(DecoderModel first, DecoderModel second)
      throws InterruptedException {
    return new Evaluator(
            List.of(new EvaluatedText("text", ids.stream().mapToLong(Long::longValue).toArray())),
            new Strides(CONTEXT, STRIDE),
            Evaluator.Listener.SILENT)
        .compare(first, second);
  }

  private double mean(ToDoubleFunction<Pair> value) {
    return byHand.stream().mapToDouble(value).average().orElseThrow();
  }

  @Test
  void lossDifferenceIsTheMeanOfTheTokensDifferences() throws InterruptedException {
    PairedDifference found = compare(model, altered).loss();

    assertThat(found.count()).isEqualTo(ids.size() - 1L);
    assertThat(mean(Pair::difference)).isGreaterThan(0.1);
    assertThat(found.mean()).isCloseTo(mean(Pair::difference), within(CLOSE));
    assertThat(compare(altered, model).loss().mean()).isCloseTo(-found.mean(), within(CLOSE));
  }

  @Test
  void standardErrorIsTheDeviationOfTheDifferencesOverTheRootOfTheirCount()
      throws InterruptedException {
    double mean = mean(Pair::difference);
    double squares =
        byHand.stream().mapToDouble(pair -> Math.pow(pair.difference() - mean, 2)).sum();
    double expected = Math.sqrt(squares / (byHand.size() - 1)) / Math.sqrt(byHand.size());

    assertThat(expected).isGreaterThan(0.001);
    assertThat(compare(model, altered).loss().standardError()).isCloseTo(expected, within(CLOSE));
  }

  @Test
  void divergenceIsTheMeanKullbackLeiblerSumFromTheFirstModelToTheSecond()
      throws InterruptedException {
    double expected = mean(Pair::divergence);
    double back = mean(Pair::divergenceBack);

    assertThat(expected).isGreaterThan(0.1);
    assertThat(Math.abs(back - expected)).isGreaterThan(100 * CLOSE);
    assertThat(compare(model, altered).divergence()).isCloseTo(expected, within(CLOSE));
    assertThat(compare(altered, model).divergence()).isCloseTo(back, within(CLOSE));
  }

  @Test
  void agreementIsTheShareOfTokensWithTheSameLikeliest() throws InterruptedException {
    long agreeing = byHand.stream().filter(Pair::agrees).count();

    assertThat(agreeing).isBetween(1L, byHand.size() - 1L);
    assertThat(compare(model, altered).agreement()).isEqualTo(agreeing / (double) byHand.size());
  }

  @Test
  void eachSideHasThePerplexityOfItsOwnTokens() throws InterruptedException {
    Comparison<Evaluation> found = compare(model, altered);

    assertThat(Math.log(found.first().perplexity()))
        .isCloseTo(mean(pair -> -pair.first().get((int) pair.label())), within(CLOSE));
    assertThat(Math.log(found.second().perplexity()))
        .isCloseTo(mean(pair -> -pair.second().get((int) pair.label())), within(CLOSE));
  }
}
