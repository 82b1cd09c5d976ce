package dev.upcycle.kernels.moe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.kernels.Closeness;
import dev.upcycle.kernels.KernelException;
import dev.upcycle.kernels.ScopePerTest;
import dev.upcycle.kernels.ffn.Activation;
import dev.upcycle.kernels.ffn.FeedForward;
import dev.upcycle.kernels.ffn.Linear;
import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Functions;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@ExtendWith(ScopePerTest.class)
class RouterTest {
  private static final int TOKENS = 12;
  private static final int HIDDEN = 6;
  private static final int EXPERTS = 4;
  private static final NoiseCounter NOISE = new NoiseCounter(1, 0, 3, 0, 2);
  private static final Offset<Float> CLOSE = Offset.offset(1e-6f);
  private final Tensor x = Tensors.normal(1, TOKENS, HIDDEN);
  private final Tensor weight = Tensors.normal(2, EXPERTS, HIDDEN);

  private static Router.Form form(Scoring scoring, Selection selection, Weighting weighting) {
    return new Router.Form(scoring, selection, weighting, Router.Refinement.NONE);
  }

  private Routing infer(Router.Form form) {
    return Router.of(form, weight).route(x, RoutingPass.Infer.ofAll());
  }

  private Routing train(Router.Form form, NoiseCounter noise) {
    return Router.of(form, weight).route(x, new RoutingPass.Train(noise, null));
  }

  private double[] logits(int token) {
    float[] inputs = x.toFloats();
    float[] rows = weight.toFloats();
    return IntStream.range(0, EXPERTS)
        .mapToDouble(expert ->
            IntStream.range(0, HIDDEN)
                .mapToDouble(i -> (double) inputs[token * HIDDEN + i] * rows[expert * HIDDEN + i])
                .sum())
        .toArray();
  }

  private static double[] softmax(double[] logits) {
    double sum = Arrays.stream(logits).map(Math::exp).sum();
    return Arrays.stream(logits).map(logit -> Math.exp(logit) / sum).toArray();
  }

  private static int[] bestFirst(double[] scores) {
    return IntStream.range(0, scores.length)
        .boxed()
        .sorted((a, b) -> Double.compare(scores[b], scores[a]))
        .mapToInt(Integer::intValue)
        .toArray();
  }

  /// The weight of each expert for each token, `[TOKENS][EXPERTS]`, from the expert-major form.
  private static double[][] dense(Routing routing) {
    double[][] weights = new double[(int) routing.tokenCount()][routing.expertCount()];
    long[] tokens = routing.tokens().toLongs();
    long[] experts = routing.experts().toLongs();
    float[] values = routing.weights().toFloats();
    for (int i = 0; i < tokens.length; i++) {
      weights[(int) tokens[i]][(int) experts[i]] += values[i];
    }
    return weights;
  }

  private void assertTokenChoice(Routing routing, boolean renormalised) {
    double[][] actual = dense(routing);
    for (int token = 0; token < TOKENS; token++) {
      double[] scores = softmax(logits(token));
      int[] order = bestFirst(scores);
      double sum = renormalised ? scores[order[0]] + scores[order[1]] : 1;
      double[] expected = new double[EXPERTS];
      expected[order[0]] = scores[order[0]] / sum;
      expected[order[1]] = scores[order[1]] / sum;
      assertThat(actual[token]).containsExactly(expected, Offset.offset(1e-5));
    }
  }

  @Test
  void topKTakesTheBestAndRenormalises() {
    assertTokenChoice(infer(Router.Form.topK(2)), true);
  }

  @Test
  void scoresCanStayAsTheyAre() {
    var form =
        form(new Scoring.SoftmaxOverAll(), new Selection.TokenChoice(2), Weighting.AS_SCORED);
    assertTokenChoice(infer(form), false);
  }

  @Test
  void softmaxOverTheChosenIsSoftmaxOverAllRenormalised() {
    var form =
        form(new Scoring.SoftmaxOverChosen(), new Selection.TokenChoice(2), Weighting.AS_SCORED);
    assertTokenChoice(infer(form), true);
  }

  @Test
  void sigmoidScoresAreIndependent() {
    var form = form(new Scoring.Sigmoid(), new Selection.TokenChoice(1), Weighting.AS_SCORED);
    double[][] actual = dense(infer(form));
    for (int token = 0; token < TOKENS; token++) {
      double best = Arrays.stream(logits(token)).max().orElseThrow();
      assertThat(Arrays.stream(actual[token]).sum())
          .isCloseTo(1 / (1 + Math.exp(-best)), Offset.offset(1e-5));
    }
  }

  @Test
  void gumbelSigmoidHasTheClosedFormMean() {
    var scoring = new Scoring.GumbelSigmoid(1, 1);
    Tensor logits = Tensors.full(DType.F32, 1, 200_000, 1);
    double mean = scoring.scores(logits, new RoutingPass.Train(NOISE, null)).mean().item();
    double a = Math.E;
    double expected = a / (a - 1) - a / ((a - 1) * (a - 1));
    assertThat(expected).isCloseTo(0.6613, Offset.offset(1e-4));
    assertThat(mean).isCloseTo(expected, Offset.offset(3e-3));
  }

  @Test
  void gumbelSigmoidIsPlainAtInferenceAndSharpensWithTemperature() {
    Tensor logits = Tensors.full(DType.F32, 1, 1, 1);
    double hot = new Scoring.GumbelSigmoid(1, 1).scores(logits, RoutingPass.Infer.ofAll()).item();
    double cold =
        new Scoring.GumbelSigmoid(1, 0.5).scores(logits, RoutingPass.Infer.ofAll()).item();
    assertThat(hot).isCloseTo(1 / (1 + Math.exp(-1)), Offset.offset(1e-6));
    assertThat(cold).isCloseTo(1 / (1 + Math.exp(-2)), Offset.offset(1e-6));
  }

  @Test
  void noiseIsRedrawnAtTheSamePlaceAndDiffersAtAnother() {
    var form =
        form(new Scoring.GumbelSigmoid(1, 1), new Selection.TokenChoice(2), Weighting.AS_SCORED);
    Tensor first = train(form, NOISE).evidence().scores();
    assertThat(train(form, NOISE).evidence().scores().isEqualTo(first)).isTrue();
    assertThat(train(form, NOISE.inLayer(3)).evidence().scores().isEqualTo(first)).isFalse();
  }

  @Test
  void jitterMovesLogitsInTrainingOnlyAndWithinItsBounds() {
    var form =
        new Router.Form(
            new Scoring.SoftmaxOverAll(),
            new Selection.TokenChoice(1),
            Weighting.RENORMALISED,
            new Router.Refinement(0, 0.1));
    Tensor plain = infer(Router.Form.topK(1)).evidence().logits();
    assertThat(infer(form).evidence().logits().isEqualTo(plain)).isTrue();
    Tensor moved = train(form, NOISE).evidence().logits().minus(plain).abs();
    Tensor bound = x.abs().matmul(weight.abs().transpose(0, 1)).times(0.1 + 1e-5);
    assertThat(moved.max().item()).isPositive();
    assertThat(moved.minus(bound).max().item()).isNotPositive();
  }

  @Test
  void jitterOfTheLayerMultipliesWhatRouterAndExpertsRead() {
    Router jittering = router(new Router.Refinement(0, 0.1, Router.Reach.LAYER));
    Router plain = router(Router.Refinement.NONE);
    RoutingPass pass = new RoutingPass.Train(NOISE, null);
    Tensor factors =
        Tensors.uniform(NOISE.seedOf(Router.JITTER_DRAW), x.shape()).times(0.2).plus(1 - 0.1);

    assertThat(forward(jittering, x, pass).isEqualTo(forward(plain, x.times(factors), pass)))
        .isTrue();
    assertThat(forward(jittering, x, pass).isEqualTo(forward(plain, x, pass))).isFalse();
    RoutingPass infer = RoutingPass.Infer.ofAll();
    assertThat(forward(jittering, x, infer).isEqualTo(forward(plain, x, infer))).isTrue();
  }

  @Test
  void jitterOfTheRouterLeavesWhatExpertsRead() {
    Router jittering = router(new Router.Refinement(0, 0.1));
    RoutingPass pass = new RoutingPass.Train(NOISE, null);

    assertThat(jittering.layerInput(x, pass)).isSameAs(x);
  }

  private Router router(Router.Refinement refinement) {
    Router.Form form = Router.Form.topK(2);
    return Router.of(
        new Router.Form(form.scoring(), form.selection(), form.weighting(), refinement), weight);
  }

  private Tensor forward(Router router, Tensor tokens, RoutingPass pass) {
    List<FeedForward> networks = new ArrayList<>();
    for (int expert = 0; expert < weight.size(0); expert++) {
      Tensor up = Tensors.normal(40 + expert, 6, x.size(1));
      Tensor down = Tensors.normal(80 + expert, x.size(1), 6);
      networks.add(new FeedForward.TwoLayer(Linear.of(up), Linear.of(down), Activation.GELU));
    }
    Experts experts = new Experts.Reference(new ExpertWeights.Separate(networks));
    return new MoeLayer(router, experts, null).forward(tokens, pass).hidden();
  }

  @ParameterizedTest
  @MethodSource("selections")
  void scoresThatAllVanishGiveWeightsOfZeroAndFiniteGradients(Selection selection) {
    var form = form(new Scoring.Sigmoid(), selection, Weighting.RENORMALISED);
    Tensor tokens = Gradients.track(Tensors.full(DType.F32, 1, 3, 4));
    Tensor far = Tensors.full(DType.F32, -100, 5, 4);

    Routing routing = Router.of(form, far).route(tokens, RoutingPass.Infer.ofAll());
    Gradients.backward(routing.weights().sum());

    assertThat(routing.weights().toFloats()).isNotEmpty().containsOnly(0);
    assertThat(Gradients.find(tokens).orElseThrow().abs().max().item()).isFinite();
  }

  static List<Selection> selections() {
    return List.of(new Selection.TokenChoice(2), new Selection.ExpertChoice(0.4));
  }

  @Test
  void normalisedLogitsHaveTheScaleAsDeviation() {
    var form =
        new Router.Form(
            new Scoring.SoftmaxOverAll(),
            new Selection.TokenChoice(1),
            Weighting.RENORMALISED,
            new Router.Refinement(2, 0));
    Tensor logits = infer(form).evidence().logits();
    assertThat(logits.mean(-1).abs().max().item()).isLessThan(1e-5);
    for (float square : logits.square().mean(-1).toFloats()) {
      assertThat(square).isCloseTo(4, Offset.offset(1e-4f));
    }
  }

  @Test
  void aSelectionBiasChangesWhoIsChosenButNotWhatTheyWeigh() {
    Tensor bias = Tensors.of(new float[] {0, 0, 0, 10}, EXPERTS);
    var form = form(new Scoring.Sigmoid(), new Selection.TokenChoice(1), Weighting.AS_SCORED);
    Routing routing = new Router(form, Linear.of(weight), bias).route(x, RoutingPass.Infer.ofAll());
    assertThat(routing.counts()).containsExactly(0, 0, 0, TOKENS);
    Tensor fourth = routing.evidence().scores().narrow(1, 3, 1).reshape(-1);
    assertThat(routing.weights().isEqualTo(fourth.indexSelect(0, routing.tokens()))).isTrue();
  }

  @Test
  void aBiasPerExpertIsAddedToLogits() {
    Tensor bias = Tensors.of(new float[] {1, 2, 3, 4}, EXPERTS);
    Router router = new Router(Router.Form.topK(1), new Linear(weight, bias), null);
    Tensor logits = router.route(x, RoutingPass.Infer.ofAll()).evidence().logits();
    Tensor plain = infer(Router.Form.topK(1)).evidence().logits();
    assertThat(Closeness.relativeError(plain.plus(bias), logits)).isLessThan(1e-6);
  }

  @Test
  void routingInAReducedModelIsDoneInFloat() {
    Router narrow = Router.of(Router.Form.topK(2), weight.to(DType.BF16));
    Routing routing = narrow.route(x.to(DType.BF16), RoutingPass.Infer.ofAll());
    Router wide = Router.of(Router.Form.topK(2), weight.to(DType.BF16).to(DType.F32));
    Routing expected = wide.route(x.to(DType.BF16).to(DType.F32), RoutingPass.Infer.ofAll());
    assertThat(routing.weights().dtype()).isEqualTo(DType.F32);
    assertThat(routing.weights().isEqualTo(expected.weights())).isTrue();
  }

  @Test
  void expertsChooseTheirBestTokens() {
    var form = form(new Scoring.Sigmoid(), new Selection.ExpertChoice(0.25), Weighting.AS_SCORED);
    Routing routing = infer(form);
    assertThat(routing.counts()).containsOnly(TOKENS / 4);
    double[][] actual = dense(routing);
    for (int expert = 0; expert < EXPERTS; expert++) {
      int own = expert;
      double[] scores =
          IntStream.range(0, TOKENS)
              .mapToDouble(token -> 1 / (1 + Math.exp(-logits(token)[own])))
              .toArray();
      double[] expected = new double[TOKENS];
      Arrays.stream(bestFirst(scores)).limit(3).forEach(token -> expected[token] = scores[token]);
      double[] column = Arrays.stream(actual).mapToDouble(row -> row[own]).toArray();
      assertThat(column).containsExactly(expected, Offset.offset(1e-5));
    }
  }

  @Test
  void renormalisedExpertChoiceSumsToOneForEveryCoveredToken() {
    var form = form(new Scoring.Sigmoid(), new Selection.ExpertChoice(0.5), Weighting.RENORMALISED);
    for (double[] row : dense(infer(form))) {
      double sum = Arrays.stream(row).sum();
      assertThat(sum == 0 || Math.abs(sum - 1) < 1e-5).isTrue();
    }
  }

  @Test
  void expertsNeverChoosePadding() {
    float[] counted = new float[TOKENS];
    Arrays.fill(counted, 0, 8, 1);
    var form = form(new Scoring.Sigmoid(), new Selection.ExpertChoice(0.5), Weighting.AS_SCORED);
    Routing routing =
        Router.of(form, weight).route(x, new RoutingPass.Infer(Tensors.of(counted, TOKENS)));
    assertThat(routing.counts()).containsOnly(4);
    assertThat(Arrays.stream(routing.tokens().toLongs()).boxed()).allMatch(token -> token < 8);
  }

  @Test
  void thresholdsAcceptWhatTheyAreCalibratedFor() {
    var choice = form(new Scoring.Sigmoid(), new Selection.ExpertChoice(0.25), Weighting.AS_SCORED);
    Routing chosen = infer(choice);
    Tensor lowest = chosen.weights().view(EXPERTS, 3).narrow(1, 2, 1).reshape(-1);
    var threshold =
        form(
            new Scoring.Sigmoid(),
            new Selection.Threshold(lowest.plus(-1e-6)),
            Weighting.AS_SCORED);
    double[][] expected = dense(chosen);
    double[][] actual = dense(infer(threshold));
    for (int token = 0; token < TOKENS; token++) {
      assertThat(actual[token]).containsExactly(expected[token], Offset.offset(1e-6));
    }
  }

  @Test
  void assignmentsAreSortedByExpertAndOffsetsBoundThem() {
    Routing routing = infer(Router.Form.topK(2));
    assertThat(routing.experts().toLongs()).isSorted();
    long[] counts = new long[EXPERTS];
    for (long expert : routing.experts().toLongs()) {
      counts[(int) expert]++;
    }
    assertThat(routing.counts()).containsExactly(counts);
    assertThat(routing.offsets().toLongs()).startsWith(0).endsWith(2L * TOKENS);
    Routing.ByToken byToken = routing.findByToken().orElseThrow();
    assertThat(routing.weights().indexSelect(0, byToken.places()).toFloats())
        .containsExactly(byToken.weights().toFloats(), CLOSE);
  }

  @Test
  void moreExpertsPerTokenThanThereAreIsRefused() {
    assertThatThrownBy(() -> infer(Router.Form.topK(5)))
        .isInstanceOf(KernelException.class)
        .hasMessageContaining("5 of 4 experts");
  }

  @Test
  void settingsOutsideTheirRangeAreRefused() {
    assertThatThrownBy(() -> new Selection.TokenChoice(0)).hasMessageContaining("not 0");
    assertThatThrownBy(() -> new Selection.ExpertChoice(0)).hasMessageContaining("(0, 1]");
    assertThatThrownBy(() -> new Scoring.GumbelSigmoid(1, 0)).hasMessageContaining("temperature");
    assertThatThrownBy(() -> new Router.Refinement(0, 1)).hasMessageContaining("jitter");
  }

  @Test
  void theRoundedSoftmaxIsTheSoftmaxInFloat() {
    Selection best = new Selection.TokenChoice(2);
    Routing rounded = infer(form(new Scoring.RoundedSoftmax(), best, Weighting.RENORMALISED));
    Routing plain = infer(form(new Scoring.SoftmaxOverAll(), best, Weighting.RENORMALISED));
    assertThat(rounded.weights().isEqualTo(plain.weights())).isTrue();
    assertThat(rounded.experts().isEqualTo(plain.experts())).isTrue();
  }

  @Test
  void theRoundedSoftmaxRoundsLogitsScoresAndWeightsToTheModelsType() {
    Router.Form form =
        form(new Scoring.RoundedSoftmax(), new Selection.TokenChoice(2), Weighting.RENORMALISED);
    Tensor narrow = x.to(DType.BF16);
    Tensor gate = weight.to(DType.BF16);
    Routing routing = Router.of(form, gate).route(narrow, RoutingPass.Infer.ofAll());
    Tensor logits = Functions.linear(narrow, gate, null);
    Tensor scores = Functions.softmax(logits.to(DType.F32)).to(DType.BF16);
    Tensor picked = scores.topK(2).values();
    Tensor weights = picked.over(picked.sumKeeping(-1));
    assertThat(routing.evidence().logits().isEqualTo(logits.to(DType.F32))).isTrue();
    assertThat(routing.evidence().scores().isEqualTo(scores.to(DType.F32))).isTrue();
    assertThat(routing.findByToken().orElseThrow().weights().isEqualTo(weights.to(DType.F32)))
        .isTrue();
  }
}
