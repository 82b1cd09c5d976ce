package dev.upcycle.kernels.loss;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.kernels.KernelException;
import dev.upcycle.kernels.ScopePerTest;
import dev.upcycle.kernels.moe.Router;
import dev.upcycle.kernels.moe.Routing;
import dev.upcycle.kernels.moe.RoutingPass;
import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.Tensors;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@ExtendWith(ScopePerTest.class)
class LossTest {
  private static final int EXPERTS = 4;
  private static final int TOKENS = 8;
  private static final Offset<Double> CLOSE = Offset.offset(1e-5);

  /// Tokens are rows of logits: the router is the identity.
  private static Routing routing(Tensor logits, int perToken, @Nullable Tensor mask) {
    return Router.of(Router.Form.topK(perToken), identity())
        .route(logits, new RoutingPass.Infer(mask));
  }

  private static Tensor identity() {
    float[] values = new float[EXPERTS * EXPERTS];
    for (int i = 0; i < EXPERTS; i++) {
      values[i * EXPERTS + i] = 1;
    }
    return Tensors.of(values, EXPERTS, EXPERTS);
  }

  /// Tokens that favour the experts in turn.
  private static Tensor balanced() {
    float[] logits = new float[TOKENS * EXPERTS];
    for (int token = 0; token < TOKENS; token++) {
      logits[token * EXPERTS + token % EXPERTS] = 3;
      logits[token * EXPERTS + (token + 1) % EXPERTS] = 2;
    }
    return Tensors.of(logits, TOKENS, EXPERTS);
  }

  /// Tokens that all favour one expert beyond doubt.
  private static Tensor collapsed(int expert) {
    float[] logits = new float[TOKENS * EXPERTS];
    for (int token = 0; token < TOKENS; token++) {
      logits[token * EXPERTS + expert] = 60;
    }
    return Tensors.of(logits, TOKENS, EXPERTS);
  }

  private static Tensor random() {
    return Tensors.normal(3, TOKENS, EXPERTS).times(2);
  }

  static Stream<BalanceLoss> balanceLosses() {
    return Stream.of(
        new BalanceLoss.Pooled(),
        new BalanceLoss.PerLayer(),
        new BalanceLoss.Switch(),
        new BalanceLoss.SwitchPerImage(4));
  }

  @ParameterizedTest
  @MethodSource("balanceLosses")
  void everyBalanceLossIsOneAtBalance(BalanceLoss loss) {
    assertThat(loss.of(List.of(routing(balanced(), 2, null))).item()).isCloseTo(1, CLOSE);
  }

  @ParameterizedTest
  @MethodSource("balanceLosses")
  void everyBalanceLossIsTheNumberOfExpertsAtCollapse(BalanceLoss loss) {
    assertThat(loss.of(List.of(routing(collapsed(2), 1, null))).item()).isCloseTo(EXPERTS, CLOSE);
  }

  @ParameterizedTest
  @MethodSource("balanceLosses")
  void everyBalanceLossGivesLogitsAGradient(BalanceLoss loss) {
    Tensor logits = Gradients.track(random());
    Gradients.backward(loss.of(List.of(routing(logits, 2, null))));
    assertThat(Gradients.find(logits).orElseThrow().abs().max().item()).isPositive();
  }

  @ParameterizedTest
  @MethodSource("balanceLosses")
  void maskedTokensDoNotCount(BalanceLoss loss) {
    Tensor rows = random();
    Tensor padded = Tensors.concat(List.of(rows, collapsed(0)), 0);
    Tensor mask =
        Tensors.concat(
            List.of(Tensors.full(DType.F32, 1, TOKENS), Tensors.zeros(DType.F32, TOKENS)), 0);
    double expected = loss.of(List.of(routing(rows, 2, null))).item();
    assertThat(loss.of(List.of(routing(padded, 2, mask))).item()).isCloseTo(expected, CLOSE);
  }

  /// `E · Σ f · P` by loops.
  private static double product(float[][] probabilities, int counted) {
    double[] choices = new double[EXPERTS];
    double[] means = new double[EXPERTS];
    for (float[] row : probabilities) {
      int[] order =
          java.util.stream.IntStream.range(0, EXPERTS)
              .boxed()
              .sorted((a, b) -> Float.compare(row[b], row[a]))
              .mapToInt(Integer::intValue)
              .toArray();
      for (int i = 0; i < counted; i++) {
        choices[order[i]] += 1.0 / counted / probabilities.length;
      }
      for (int expert = 0; expert < EXPERTS; expert++) {
        means[expert] += row[expert] / (double) probabilities.length;
      }
    }
    double sum = 0;
    for (int expert = 0; expert < EXPERTS; expert++) {
      sum += EXPERTS * choices[expert] * means[expert];
    }
    return sum;
  }

  private static float[][] probabilities(Tensor logits) {
    float[] flat = logits.toFloats();
    float[][] rows = new float[flat.length / EXPERTS][EXPERTS];
    for (int row = 0; row < rows.length; row++) {
      double sum = 0;
      for (int expert = 0; expert < EXPERTS; expert++) {
        sum += Math.exp(flat[row * EXPERTS + expert]);
      }
      for (int expert = 0; expert < EXPERTS; expert++) {
        rows[row][expert] = (float) (Math.exp(flat[row * EXPERTS + expert]) / sum);
      }
    }
    return rows;
  }

  @Test
  void balanceLossesMatchTheirLoops() {
    Tensor first = random();
    Tensor second = Tensors.normal(5, TOKENS, EXPERTS);
    List<Routing> layers = List.of(routing(first, 2, null), routing(second, 2, null));
    float[][] one = probabilities(first);
    float[][] two = probabilities(second);
    float[][] pooled =
        Stream.concat(Arrays.stream(one), Arrays.stream(two)).toArray(float[][]::new);
    double perImage = 0;
    for (float[][] layer : List.of(one, two)) {
      perImage += product(Arrays.copyOfRange(layer, 0, 4), 1) / 4;
      perImage += product(Arrays.copyOfRange(layer, 4, 8), 1) / 4;
    }
    assertThat(new BalanceLoss.Pooled().of(layers).item()).isCloseTo(product(pooled, 2), CLOSE);
    assertThat(new BalanceLoss.PerLayer().of(layers).item())
        .isCloseTo((product(one, 2) + product(two, 2)) / 2, CLOSE);
    assertThat(new BalanceLoss.Switch().of(layers).item())
        .isCloseTo((product(one, 1) + product(two, 1)) / 2, CLOSE);
    assertThat(new BalanceLoss.SwitchPerImage(4).of(layers).item()).isCloseTo(perImage, CLOSE);
  }

  @Test
  void poolingLetsOppositeLayersCancelWhereAMeanDoesNot() {
    List<Routing> layers =
        Stream.of(0, 1, 2, 3).map(expert -> routing(collapsed(expert), 1, null)).toList();
    assertThat(new BalanceLoss.Pooled().of(layers).item()).isCloseTo(1, CLOSE);
    assertThat(new BalanceLoss.PerLayer().of(layers).item()).isCloseTo(EXPERTS, CLOSE);
  }

  @Test
  void onlyThePooledFormulaWasPublishedInAnotherScale() {
    assertThat(new BalanceLoss.Pooled().publishedFactor(2)).isEqualTo(2);
    assertThat(new BalanceLoss.PerLayer().publishedFactor(2)).isEqualTo(1);
    assertThat(new BalanceLoss.Switch().publishedFactor(2)).isEqualTo(1);
    assertThat(new BalanceLoss.SwitchPerImage(4).publishedFactor(2)).isEqualTo(1);
  }

  @Test
  void zeroLogitsOfFourExpertsHaveAZLossOfLogFourSquared() {
    Routing routing = routing(Tensors.zeros(DType.F32, TOKENS, EXPERTS), 2, null);
    assertThat(ZLoss.of(List.of(routing)).item()).isCloseTo(1.9218, Offset.offset(1e-4));
  }

  @Test
  void theZLossMatchesItsLoop() {
    Tensor logits = random();
    double sum = 0;
    float[] flat = logits.toFloats();
    for (int token = 0; token < TOKENS; token++) {
      double exponentials = 0;
      for (int expert = 0; expert < EXPERTS; expert++) {
        exponentials += Math.exp(flat[token * EXPERTS + expert]);
      }
      sum += Math.pow(Math.log(exponentials), 2) / TOKENS;
    }
    assertThat(ZLoss.of(List.of(routing(logits, 1, null))).item()).isCloseTo(sum, CLOSE);
  }

  private static double variation(double... values) {
    double mean = Arrays.stream(values).average().orElseThrow();
    return Arrays.stream(values).map(v -> (v - mean) * (v - mean)).average().orElseThrow()
        / (mean * mean);
  }

  @Test
  void variationIsZeroAtBalanceAndExpertsMinusOneAtCollapse() {
    List<Routing> even = List.of(routing(balanced(), 2, null));
    List<Routing> single = List.of(routing(collapsed(1), 1, null));
    assertThat(new VariationLoss.Importance().of(even).item()).isCloseTo(0, CLOSE);
    assertThat(new VariationLoss.Load().of(even).item()).isCloseTo(0, CLOSE);
    assertThat(new VariationLoss.SmoothLoad(2, 0.25).of(even).item()).isCloseTo(0, CLOSE);
    assertThat(new VariationLoss.Importance().of(single).item()).isCloseTo(EXPERTS - 1, CLOSE);
    assertThat(new VariationLoss.Load().of(single).item()).isCloseTo(EXPERTS - 1, CLOSE);
  }

  @Test
  void importanceMatchesItsLoop() {
    Tensor logits = random();
    double[] sums = new double[EXPERTS];
    for (float[] row : probabilities(logits)) {
      for (int expert = 0; expert < EXPERTS; expert++) {
        sums[expert] += row[expert];
      }
    }
    assertThat(new VariationLoss.Importance().of(List.of(routing(logits, 1, null))).item())
        .isCloseTo(variation(sums), CLOSE);
  }

  @Test
  void smoothLoadHasAGradientAndNearsTheLoadAsNoiseVanishes() {
    Tensor logits = Gradients.track(random());
    List<Routing> layers = List.of(routing(logits, 1, null));
    Gradients.backward(new VariationLoss.SmoothLoad(1, 0.25).of(layers));
    assertThat(Gradients.find(logits).orElseThrow().abs().max().item()).isPositive();
    double[] halves = new double[EXPERTS];
    for (float[] row : probabilities(logits)) {
      int best = 0;
      for (int expert = 1; expert < EXPERTS; expert++) {
        best = row[expert] > row[best] ? expert : best;
      }
      halves[best] += 0.5;
    }
    assertThat(new VariationLoss.SmoothLoad(1, 1e-6).of(layers).item())
        .isCloseTo(variation(halves), CLOSE);
  }

  @Test
  void localEntropyIsHighInDoubtAndZeroInCertainty() {
    Tensor members = Tensors.full(DType.F32, 1, TOKENS);
    Routing doubtful = routing(Tensors.zeros(DType.F32, TOKENS, EXPERTS), 1, null);
    assertThat(EntropyLoss.local(doubtful, members).item()).isCloseTo(Math.log(EXPERTS), CLOSE);
    assertThat(EntropyLoss.local(routing(collapsed(0), 1, null), members).item())
        .isCloseTo(0, CLOSE);
  }

  @Test
  void globalEntropyIsZeroAboveItsThresholdAndTheGapBelow() {
    Tensor members = Tensors.full(DType.F32, 1, TOKENS);
    Routing spread = routing(balanced(), 1, null);
    Routing single = routing(collapsed(0), 1, null);
    double threshold = Math.log(3);
    assertThat(EntropyLoss.global(spread, members, threshold).item()).isZero();
    assertThat(EntropyLoss.global(single, members, threshold).item())
        .isCloseTo(threshold, Offset.offset(1e-4));
  }

  @Test
  void entropiesLookAtMembersOnly() {
    Tensor logits =
        Tensors.concat(List.of(Tensors.zeros(DType.F32, TOKENS, EXPERTS), collapsed(0)), 0);
    Tensor members =
        Tensors.concat(
            List.of(Tensors.zeros(DType.F32, TOKENS), Tensors.full(DType.F32, 1, TOKENS)), 0);
    assertThat(EntropyLoss.local(routing(logits, 1, null), members).item()).isCloseTo(0, CLOSE);
  }

  static Stream<Function<Routing, Tensor>> allLosses() {
    return Stream.of(
        routing -> new BalanceLoss.Pooled().of(List.of(routing)),
        routing -> new BalanceLoss.PerLayer().of(List.of(routing)),
        routing -> new BalanceLoss.Switch().of(List.of(routing)),
        routing -> new BalanceLoss.SwitchPerImage(4).of(List.of(routing)),
        routing -> ZLoss.of(List.of(routing)),
        routing -> new VariationLoss.Importance().of(List.of(routing)),
        routing -> new VariationLoss.Load().of(List.of(routing)),
        routing -> new VariationLoss.SmoothLoad(2, 0.25).of(List.of(routing)),
        routing -> EntropyLoss.local(routing, ones()),
        routing -> EntropyLoss.global(routing, ones(), Math.log(2)));
  }

  private static Tensor ones() {
    return Tensors.full(DType.F32, 1, TOKENS);
  }

  @ParameterizedTest
  @MethodSource("allLosses")
  void lossOfMaskedTokensAloneIsZero(Function<Routing, Tensor> loss) {
    Routing routing = routing(random(), 2, Tensors.zeros(DType.F32, TOKENS));
    assertThat(loss.apply(routing).item()).isZero();
  }

  @Test
  void entropiesLeaveMaskedTokensOut() {
    Tensor logits = Tensors.concat(List.of(collapsed(0), random()), 0);
    Tensor mask = Tensors.concat(List.of(ones(), Tensors.zeros(DType.F32, TOKENS)), 0);
    Tensor members = Tensors.full(DType.F32, 1, 2 * TOKENS);
    Routing masked = routing(logits, 1, mask);
    assertThat(EntropyLoss.local(masked, members).item()).isCloseTo(0, CLOSE);
    assertThat(EntropyLoss.global(masked, members, Math.log(2)).item())
        .isCloseTo(Math.log(2), CLOSE);
  }

  @Test
  void aLossOfNoLayersIsRefused() {
    assertThatThrownBy(() -> ZLoss.of(List.of())).isInstanceOf(KernelException.class);
  }
}
