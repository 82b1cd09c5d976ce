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
import dev.upcycle.kernels.tensor.Device;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.Tensors;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

@ExtendWith(ScopePerTest.class)
class ExpertsTest {
  private static final int TOKENS = 40;
  private static final int HIDDEN = 16;
  private static final int INNER = 24;
  private static final int EXPERTS = 8;
  private static final RoutingPass PASS = RoutingPass.Infer.ofAll();

  /// A layer's leaves, drawn anew so that each run collects gradients of its own.
  private static final class Leaves {
    private final Tensor x;
    private final Tensor router;
    private final Tensor up;
    private final Tensor down;
    private final ExpertWeights.Stacked stacked;

    Leaves(DType dtype, ExpertWeights.Gating gating) {
      long rows = gating == ExpertWeights.Gating.GATED ? 2 * INNER : INNER;
      this.x = leaf(dtype, Tensors.normal(1, TOKENS, HIDDEN));
      this.router = leaf(dtype, Tensors.normal(2, EXPERTS, HIDDEN).times(0.5));
      this.up = leaf(dtype, Tensors.normal(3, EXPERTS, rows, HIDDEN).times(0.3));
      this.down = leaf(dtype, Tensors.normal(4, EXPERTS, HIDDEN, INNER).times(0.3));
      var biases =
          new ExpertWeights.Biases(
              leaf(dtype, Tensors.normal(5, EXPERTS, rows)),
              leaf(dtype, Tensors.normal(6, EXPERTS, HIDDEN)));
      this.stacked =
          new ExpertWeights.Stacked(
              new ExpertWeights.Form(
                  gating,
                  gating == ExpertWeights.Gating.GATED ? Activation.SILU : Activation.QUICK_GELU),
              up,
              down,
              gating == ExpertWeights.Gating.GATED ? null : biases);
    }

    private static Tensor leaf(DType dtype, Tensor values) {
      return Gradients.track(values.to(dtype));
    }

    List<Tensor> all() {
      return List.of(x, router, up, down);
    }
  }

  private interface Form {
    Experts of(ExpertWeights.Stacked weights);
  }

  /// Output, then the gradients of all leaves.
  private static List<Tensor> run(Leaves leaves, Router.Form routing, Form form) {
    Routing routed = Router.of(routing, leaves.router).route(leaves.x, PASS);
    Tensor y = form.of(leaves.stacked).forward(leaves.x, routed);
    Gradients.backward(y, Tensors.normal(9, TOKENS, HIDDEN).to(y.dtype()));
    return Stream.concat(
            Stream.of(Gradients.detach(y)),
            leaves.all().stream().map(leaf -> Gradients.find(leaf).orElseThrow()))
        .toList();
  }

  private static void assertBitIdentical(List<Tensor> expected, List<Tensor> actual) {
    for (int i = 0; i < expected.size(); i++) {
      assertThat(expected.get(i).abs().max().item()).isPositive();
      assertThat(actual.get(i).isEqualTo(expected.get(i))).as("tensor %d", i).isTrue();
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "BF16"})
  void theSortedLoopIsBitIdenticalToTheReferenceForTopTwo(DType dtype) {
    for (ExpertWeights.Gating gating : ExpertWeights.Gating.values()) {
      assertBitIdentical(
          run(new Leaves(dtype, gating), Router.Form.topK(2), Experts.Reference::new),
          run(new Leaves(dtype, gating), Router.Form.topK(2), Experts.Sorted::new));
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "BF16"})
  void groupedProductsAreBitIdenticalToTheSortedLoop(DType dtype) {
    assertBitIdentical(
        run(
            new Leaves(dtype, ExpertWeights.Gating.GATED),
            Router.Form.topK(2),
            Experts.Sorted::new),
        run(
            new Leaves(dtype, ExpertWeights.Gating.GATED),
            Router.Form.topK(2),
            Experts.Grouped::new));
  }

  @Test
  void groupedProductsCarryBiases() {
    var expected =
        run(
            new Leaves(DType.F32, ExpertWeights.Gating.PLAIN),
            Router.Form.topK(2),
            Experts.Reference::new);
    var actual =
        run(
            new Leaves(DType.F32, ExpertWeights.Gating.PLAIN),
            Router.Form.topK(2),
            Experts.Grouped::new);
    for (int i = 0; i < expected.size(); i++) {
      assertThat(Closeness.relativeError(expected.get(i), actual.get(i))).isLessThan(1e-5);
    }
  }

  @Test
  void allFormsAgreeForAnyNumberPerTokenAndForExpertChoice() {
    var choice =
        new Router.Form(
            new Scoring.Sigmoid(),
            new Selection.ExpertChoice(0.25),
            Weighting.AS_SCORED,
            Router.Refinement.NONE);
    for (Router.Form form : List.of(Router.Form.topK(1), Router.Form.topK(3), choice)) {
      var expected =
          run(new Leaves(DType.F32, ExpertWeights.Gating.GATED), form, Experts.Reference::new);
      for (Form fast : List.<Form>of(Experts.Sorted::new, Experts.Grouped::new)) {
        var actual = run(new Leaves(DType.F32, ExpertWeights.Gating.GATED), form, fast);
        for (int i = 0; i < expected.size(); i++) {
          if (expected.get(i).abs().max().item() > 0) {
            assertThat(Closeness.relativeError(expected.get(i), actual.get(i))).isLessThan(1e-5);
          }
        }
      }
    }
  }

  @Test
  void theReferenceMatchesLoopsOverTokensAndExperts() {
    Leaves leaves = new Leaves(DType.F32, ExpertWeights.Gating.GATED);
    Routing routing = Router.of(Router.Form.topK(2), leaves.router).route(leaves.x, PASS);
    Tensor y = new Experts.Reference(leaves.stacked).forward(leaves.x, routing);
    Tensor sum = Tensors.zeros(DType.F32, TOKENS, HIDDEN);
    long[] tokens = routing.tokens().toLongs();
    long[] experts = routing.experts().toLongs();
    float[] weights = routing.weights().toFloats();
    List<FeedForward> networks = leaves.stacked.networks();
    try (Gradients.Pause _ = Gradients.pause()) {
      for (int i = 0; i < tokens.length; i++) {
        Tensor part = networks.get((int) experts[i]).forward(leaves.x.narrow(0, tokens[i], 1));
        sum.narrow(0, tokens[i], 1).plusInPlace(part.times(weights[i]));
      }
    }
    assertThat(Closeness.relativeError(sum, y)).isLessThan(1e-5);
  }

  @Test
  void expertsWithoutTokensAreSkipped() {
    Leaves leaves = new Leaves(DType.F32, ExpertWeights.Gating.GATED);
    Tensor bias = Tensors.of(new float[] {9, 9, 0, 0, 0, 0, 0, 0}, EXPERTS);
    Router router = new Router(Router.Form.topK(2), Linear.of(leaves.router), bias);
    Routing routing = router.route(leaves.x, PASS);
    assertThat(routing.counts()).startsWith(TOKENS, TOKENS).endsWith(0, 0, 0, 0, 0, 0);
    Tensor expected = new Experts.Reference(leaves.stacked).forward(leaves.x, routing);
    assertThat(new Experts.Sorted(leaves.stacked).forward(leaves.x, routing).isEqualTo(expected))
        .isTrue();
    assertThat(new Experts.Grouped(leaves.stacked).forward(leaves.x, routing).isEqualTo(expected))
        .isTrue();
  }

  @Test
  void aRoutingWithoutAssignmentsGivesZeros() {
    Leaves leaves = new Leaves(DType.F32, ExpertWeights.Gating.GATED);
    var form =
        new Router.Form(
            new Scoring.Sigmoid(),
            new Selection.Threshold(Tensors.full(DType.F32, 2, EXPERTS)),
            Weighting.AS_SCORED,
            Router.Refinement.NONE);
    Routing routing = Router.of(form, leaves.router).route(leaves.x, PASS);
    for (Form every :
        List.<Form>of(Experts.Reference::new, Experts.Sorted::new, Experts.Grouped::new)) {
      Tensor y = every.of(leaves.stacked).forward(leaves.x, routing);
      assertThat(y.abs().max().item()).isZero();
    }
  }

  private static Stream<Router.Form> routings() {
    return Stream.of(
        Router.Form.topK(2),
        new Router.Form(
            new Scoring.Sigmoid(),
            new Selection.TokenChoice(3),
            Weighting.AS_SCORED,
            new Router.Refinement(1, 0)),
        new Router.Form(
            new Scoring.SoftmaxOverChosen(),
            new Selection.ExpertChoice(0.25),
            Weighting.RENORMALISED,
            Router.Refinement.NONE));
  }

  @ParameterizedTest
  @MethodSource("routings")
  void permutingExpertsWithTheirRouterRowsChangesNothing(Router.Form form) {
    Leaves leaves = new Leaves(DType.F32, ExpertWeights.Gating.GATED);
    Tensor expected = layer(form, leaves.router, leaves.stacked).forward(leaves.x, PASS).hidden();
    for (int seed = 0; seed < 5; seed++) {
      Tensor permutation = Tensors.uniform(seed, EXPERTS).stableOrder();
      var permuted =
          new ExpertWeights.Stacked(
              leaves.stacked.form(),
              leaves.up.indexSelect(0, permutation),
              leaves.down.indexSelect(0, permutation),
              null);
      Tensor rows = leaves.router.indexSelect(0, permutation);
      Tensor actual = layer(form, rows, permuted).forward(leaves.x, PASS).hidden();
      assertThat(Closeness.relativeError(expected, actual)).isLessThan(1e-5);
      Tensor unmatched = layer(form, leaves.router, permuted).forward(leaves.x, PASS).hidden();
      assertThat(Closeness.relativeError(expected, unmatched)).isGreaterThan(0.1);
    }
  }

  private static MoeLayer layer(Router.Form form, Tensor router, ExpertWeights weights) {
    return new MoeLayer(Router.of(form, router), Experts.fastest(weights), null);
  }

  private static ExpertWeights copies(FeedForward network) {
    return new ExpertWeights.Separate(Stream.generate(() -> network).limit(4).toList());
  }

  @Test
  void equalExpertsComputeWhatOneWouldAndGiveTheRouterNoGradient() {
    FeedForward dense =
        new FeedForward.Gated(
            Linear.of(Tensors.normal(1, INNER, HIDDEN)),
            Linear.of(Tensors.normal(2, INNER, HIDDEN)),
            Linear.of(Tensors.normal(3, HIDDEN, INNER)),
            Activation.SILU);
    Tensor x = Tensors.normal(4, TOKENS, HIDDEN);
    Tensor router = Gradients.track(Tensors.normal(5, 4, HIDDEN));
    Tensor y = layer(Router.Form.topK(2), router, copies(dense)).forward(x, PASS).hidden();
    assertThat(Closeness.relativeError(dense.forward(x), y)).isLessThan(1e-6);
    Gradients.backward(y.square().mean());
    double routerGradient = Gradients.find(router).orElseThrow().abs().max().item();
    Gradients.clear(router);
    var scored =
        new Router.Form(
            new Scoring.SoftmaxOverAll(),
            new Selection.TokenChoice(2),
            Weighting.AS_SCORED,
            Router.Refinement.NONE);
    Tensor control =
        new MoeLayer(Router.of(scored, router), Experts.fastest(copies(dense)), null)
            .forward(x, PASS)
            .hidden();
    Gradients.backward(control.square().mean());
    double controlGradient = Gradients.find(router).orElseThrow().abs().max().item();
    assertThat(routerGradient).isLessThan(1e-6 * controlGradient);
  }

  @Test
  void aSharedExpertIsAddedWithOrWithoutItsGate() {
    Tensor x = Tensors.normal(1, TOKENS, HIDDEN);
    FeedForward network =
        new FeedForward.TwoLayer(
            Linear.of(Tensors.normal(2, INNER, HIDDEN)),
            Linear.of(Tensors.normal(3, HIDDEN, INNER)),
            Activation.GELU);
    Tensor plain = new SharedExpert.Ungated(network).forward(x);
    assertThat(plain.isEqualTo(network.forward(x))).isTrue();
    Linear zero = Linear.of(Tensors.zeros(DType.F32, 1, HIDDEN));
    Tensor halved = new SharedExpert.SigmoidGated(network, zero).forward(x);
    assertThat(halved.isEqualTo(plain.times(0.5))).isTrue();
    var leaves = new Leaves(DType.F32, ExpertWeights.Gating.GATED);
    Router router = Router.of(Router.Form.topK(2), leaves.router);
    Experts routed = Experts.fastest(leaves.stacked);
    Tensor without = new MoeLayer(router, routed, null).forward(x, PASS).hidden();
    Tensor with =
        new MoeLayer(router, routed, new SharedExpert.Ungated(network)).forward(x, PASS).hidden();
    assertThat(with.isEqualTo(without.plus(plain))).isTrue();
  }

  @Test
  void stackedWeightsOnTheCpuUseTheSortedLoop() {
    var leaves = new Leaves(DType.F32, ExpertWeights.Gating.GATED);
    assertThat(leaves.up.device()).isEqualTo(Device.CPU);
    assertThat(Experts.fastest(leaves.stacked)).isInstanceOf(Experts.Sorted.class);
  }

  @Test
  void stackedWeightsOnAGpuAreGroupedInBfloat16Only() {
    var reduced = new Leaves(DType.BF16, ExpertWeights.Gating.GATED).stacked;
    var wide = new Leaves(DType.F32, ExpertWeights.Gating.GATED).stacked;
    assertThat(Experts.fastest(reduced, Device.Kind.CUDA)).isInstanceOf(Experts.Grouped.class);
    assertThat(Experts.fastest(wide, Device.Kind.CUDA)).isInstanceOf(Experts.Sorted.class);
  }

  @Test
  void weightsOfAWidthThatGroupedProductsRefuseAreSorted() {
    Tensor up = Tensors.normal(1, EXPERTS, 24, HIDDEN).to(DType.BF16);
    Tensor down = Tensors.normal(2, EXPERTS, HIDDEN, 12).to(DType.BF16);
    var form = new ExpertWeights.Form(ExpertWeights.Gating.GATED, Activation.SILU);
    var narrow = new ExpertWeights.Stacked(form, up, down, null);
    Tensor x = Tensors.normal(3, TOKENS, HIDDEN).to(DType.BF16);
    Tensor router = Tensors.normal(4, EXPERTS, HIDDEN).to(DType.BF16);
    Routing routing = Router.of(Router.Form.topK(2), router).route(x, PASS);
    assertThatThrownBy(() -> new Experts.Grouped(narrow).forward(x, routing))
        .isInstanceOf(KernelException.class)
        .hasMessageContaining("16 bytes");
    assertThat(Experts.fastest(narrow, Device.Kind.CUDA)).isInstanceOf(Experts.Sorted.class);
  }

  @ParameterizedTest
  @EnumSource(ExpertWeights.Gating.class)
  void weightsThatLieApartAreStackedForGroupedProductsWithTheirGradients(
      ExpertWeights.Gating gating) {
    var leaves = new Leaves(DType.BF16, gating);
    List<FeedForward> tracked = leaves.stacked.networks().stream().map(ExpertsTest::leaf).toList();
    var separate = new ExpertWeights.Separate(tracked);
    Tensor x = Gradients.detach(leaves.x);
    Router router = Router.of(Router.Form.topK(2), Gradients.detach(leaves.router));
    Routing routing = router.route(x, PASS);
    Experts stacking = Experts.fastest(separate, Device.Kind.CUDA);
    assertThat(stacking).isInstanceOf(Experts.Stacking.class);
    Tensor expected = new Experts.Sorted(separate).forward(x, routing);
    Tensor actual = stacking.forward(x, routing);
    assertThat(Closeness.relativeError(expected, actual)).isLessThan(1e-2);
    Gradients.backward(expected.to(DType.F32).square().mean());
    List<Tensor> wanted = tracked.stream().map(ExpertsTest::takeGradient).toList();
    Gradients.backward(actual.to(DType.F32).square().mean());
    for (int expert = 0; expert < EXPERTS; expert++) {
      Tensor given = takeGradient(tracked.get(expert));
      assertThat(given.abs().max().item()).isPositive();
      assertThat(Closeness.relativeError(wanted.get(expert), given)).isLessThan(2e-2);
    }
  }

  @Test
  void expertsOfSeveralKindsAreNotStacked() {
    Linear up = Linear.of(Tensors.normal(1, INNER, HIDDEN));
    Linear down = Linear.of(Tensors.normal(2, HIDDEN, INNER));
    var mixed =
        new ExpertWeights.Separate(
            List.of(
                new FeedForward.TwoLayer(up, down, Activation.GELU),
                new FeedForward.TwoLayer(up, down, Activation.SILU)));
    assertThatThrownBy(mixed::stack)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("several kinds");
  }

  @Test
  void chainsDeeperThanTwoMapsAreSortedOnAGpu() {
    Linear map = Linear.of(Tensors.normal(1, HIDDEN, HIDDEN).to(DType.BF16));
    var two = new FeedForward.Chain(List.of(map, map), Activation.GELU);
    var three = new FeedForward.Chain(List.of(map, map, map), Activation.GELU);
    assertThat(Experts.fastest(new ExpertWeights.Separate(List.of(two, two)), Device.Kind.CUDA))
        .isInstanceOf(Experts.Stacking.class);
    assertThat(Experts.fastest(new ExpertWeights.Separate(List.of(three, three)), Device.Kind.CUDA))
        .isInstanceOf(Experts.Sorted.class);
  }

  private static FeedForward leaf(FeedForward network) {
    ExpertWeights.Projections maps = ExpertWeights.Projections.of(network);
    Linear up = leaf(maps.up());
    Linear down = leaf(maps.down());
    return switch (maps.form().gating()) {
      case GATED -> new FeedForward.FusedGated(up, down, maps.form().activation());
      case PLAIN -> new FeedForward.TwoLayer(up, down, maps.form().activation());
    };
  }

  private static Linear leaf(Linear map) {
    return new Linear(Gradients.track(Gradients.detach(map.weight()).copy()), map.bias());
  }

  /// Of the first map, which is then forgotten.
  private static Tensor takeGradient(FeedForward network) {
    Tensor weight = ExpertWeights.Projections.of(network).up().weight();
    Tensor gradient = Gradients.find(weight).orElseThrow().copy();
    Gradients.clear(weight);
    return gradient;
  }
}
