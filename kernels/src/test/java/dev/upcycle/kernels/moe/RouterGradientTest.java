package dev.upcycle.kernels.moe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.kernels.ScopePerTest;
import dev.upcycle.kernels.ffn.Activation;
import dev.upcycle.kernels.ffn.FeedForward;
import dev.upcycle.kernels.ffn.Linear;
import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.Tensors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Where equal experts with weights that sum to 1 give their router exactly no gradient.
@ExtendWith(ScopePerTest.class)
class RouterGradientTest {
  private static final int TOKENS = 40;
  private static final int HIDDEN = 16;
  private static final int INNER = 24;
  private static final int EXPERTS = 4;

  private final FeedForward dense =
      new FeedForward.Gated(
          Linear.of(Tensors.normal(1, INNER, HIDDEN)),
          Linear.of(Tensors.normal(2, INNER, HIDDEN)),
          Linear.of(Tensors.normal(3, HIDDEN, INNER)),
          Activation.SILU);
  private final Tensor x = Tensors.normal(4, TOKENS, HIDDEN);

  /// The largest entry of the router's gradient, whatever its sign.
  private double largest(Router.Form form, Tensor weight) {
    Tensor router = Gradients.track(weight);
    ExpertWeights copies =
        new ExpertWeights.Separate(Stream.generate(() -> dense).limit(EXPERTS).toList());
    Tensor y =
        new MoeLayer(Router.of(form, router), Experts.fastest(copies), null)
            .forward(x, RoutingPass.Infer.ofAll())
            .hidden();
    Gradients.backward(y.square().mean());
    return Gradients.find(router).orElseThrow().abs().max().item();
  }

  private static Router.Form form(Scoring scoring, int count, Weighting weighting) {
    return new Router.Form(
        scoring, new Selection.TokenChoice(count), weighting, Router.Refinement.NONE);
  }

  private static Tensor drawn() {
    return Tensors.normal(5, EXPERTS, HIDDEN);
  }

  private static Tensor zero() {
    return Tensors.zeros(DType.F32, EXPERTS, HIDDEN);
  }

  @Test
  void softmaxOverTheOneChosenGivesExactlyNone() {
    var chosen = form(new Scoring.SoftmaxOverChosen(), 1, Weighting.RENORMALISED);

    assertThat(largest(chosen, drawn())).isZero();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 4})
  void aRouterOfZerosGivesExactlyNoneWhereSharesArePowersOfTwo(int perToken) {
    assertThat(largest(Router.Form.topK(perToken), zero())).isZero();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void weightsThatAreNotRenormalisedGiveAGradientInTheSamePlaces(int perToken) {
    var scored = form(new Scoring.SoftmaxOverAll(), perToken, Weighting.AS_SCORED);

    assertThat(largest(scored, drawn())).isGreaterThan(100);
    assertThat(largest(scored, zero())).isGreaterThan(100);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void elsewhereOnlyRoundingIsLeft(int perToken) {
    double control =
        largest(form(new Scoring.SoftmaxOverAll(), perToken, Weighting.AS_SCORED), drawn());

    assertThat(largest(Router.Form.topK(perToken), drawn())).isLessThan(1e-6 * control);
    assertThat(largest(Router.Form.topK(perToken), zero())).isLessThan(1e-6 * control);
  }
}
