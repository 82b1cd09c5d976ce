package dev.upcycle.kernels.parity;

import dev.upcycle.kernels.ffn.Activation;
import dev.upcycle.kernels.ffn.FeedForward;
import dev.upcycle.kernels.ffn.Linear;
import dev.upcycle.kernels.moe.Dispatcher;
import dev.upcycle.kernels.moe.ExpertWeights;
import dev.upcycle.kernels.moe.Experts;
import dev.upcycle.kernels.moe.ModalityIndex;
import dev.upcycle.kernels.moe.ModalityMoe;
import dev.upcycle.kernels.moe.MoeLayer;
import dev.upcycle.kernels.moe.NoiseCounter;
import dev.upcycle.kernels.moe.Router;
import dev.upcycle.kernels.moe.Routing;
import dev.upcycle.kernels.moe.RoutingPass;
import dev.upcycle.kernels.moe.Scoring;
import dev.upcycle.kernels.moe.Selection;
import dev.upcycle.kernels.moe.SharedExpert;
import dev.upcycle.kernels.moe.Weighting;
import dev.upcycle.kernels.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// Routers, dispatch, experts and layers of them.
final class MoeCases {
  static final int TOKENS = 48;
  static final int HIDDEN = 64;
  static final int EXPERTS = 8;
  private static final int INNER = 96;
  private static final RoutingPass PASS = RoutingPass.Infer.ofAll();

  /// A selection that may hold tensors, made where they must live.
  private interface Choice {
    Selection in(Inputs inputs);
  }

  private interface Form {
    Experts of(ExpertWeights.Stacked weights);
  }

  private static final Map<String, Choice> CHOICES =
      Map.of(
          "two per token", in -> new Selection.TokenChoice(2),
          "a quarter per expert", in -> new Selection.ExpertChoice(0.25),
          "thresholds",
              in -> new Selection.Threshold(in.numbers(.1f, .2f, .1f, .3f, .2f, .1f, .4f, .2f)));

  private static final Map<String, Form> FORMS =
      Map.of(
          "Reference", Experts.Reference::new,
          "Sorted", Experts.Sorted::new,
          "Grouped", Experts.Grouped::new);

  private MoeCases() {}

  static Stream<ParityCase> all() {
    return Stream.of(routers(), refinements(), dispatches(), experts(), layers())
        .flatMap(cases -> cases);
  }

  private static Stream<ParityCase> routers() {
    return Stream.of(
            new Scoring.SoftmaxOverAll(),
            new Scoring.SoftmaxOverChosen(),
            new Scoring.Sigmoid(),
            new Scoring.GumbelSigmoid(1, 1))
        .flatMap(scoring ->
            CHOICES.entrySet().stream()
                .flatMap(choice ->
                    Arrays.stream(Weighting.values())
                        .flatMap(weighting ->
                            ParityCase.inBothTypes(
                                "router %s, %s, %s".formatted(scoring, choice.getKey(), weighting),
                                in ->
                                    route(
                                        in,
                                        new Router.Form(
                                            scoring,
                                            choice.getValue().in(in),
                                            weighting,
                                            Router.Refinement.NONE),
                                        train(in))))));
  }

  /// Training, every fifth token being padding.
  private static RoutingPass train(Inputs in) {
    long[] mask = IntStream.range(0, TOKENS).mapToLong(i -> i % 5 == 4 ? 0 : 1).toArray();
    return new RoutingPass.Train(new NoiseCounter(7, 0, 3, 0, 2), in.integers(mask));
  }

  private static Stream<ParityCase> refinements() {
    return ParityCase.inBothTypes(
        "router with a bias, a selection bias, scaled logits and jitter",
        in -> {
          Router.Form form =
              new Router.Form(
                  new Scoring.SoftmaxOverAll(),
                  new Selection.TokenChoice(3),
                  Weighting.RENORMALISED,
                  new Router.Refinement(1.5, 0.1));
          Tensor x = in.leaf(1, TOKENS, HIDDEN);
          Router router = new Router(form, in.map(EXPERTS, HIDDEN), in.wide(0.1, EXPERTS));
          return results(in, router.route(x, train(in)));
        });
  }

  private static List<Tensor> route(Inputs in, Router.Form form, RoutingPass pass) {
    Tensor x = in.leaf(1, TOKENS, HIDDEN);
    return results(in, Router.of(form, in.leaf(0.3, EXPERTS, HIDDEN)).route(x, pass));
  }

  private static List<Tensor> results(Inputs in, Routing routing) {
    List<Tensor> results = new ArrayList<>(in.withGradients(routing.weights()));
    results.add(routing.tokens());
    results.add(routing.experts());
    results.add(routing.offsets());
    results.add(routing.evidence().logits());
    results.add(routing.evidence().scores());
    return results;
  }

  private static Stream<ParityCase> dispatches() {
    return CHOICES.entrySet().stream()
        .flatMap(choice ->
            ParityCase.inBothTypes(
                "dispatch, " + choice.getKey(),
                in -> {
                  Tensor x = in.leaf(1, TOKENS, HIDDEN);
                  Router.Form form = form(choice.getValue().in(in));
                  Routing routing = Router.of(form, in.leaf(0.3, EXPERTS, HIDDEN)).route(x, PASS);
                  Dispatcher dispatcher = new Dispatcher(routing);
                  return in.withGradients(dispatcher.combine(dispatcher.gather(x)));
                }));
  }

  /// Weights as scored: renormalised, one expert's weight is 1 whatever the router says, and a
  /// gradient that vanishes leaves only rounding to compare.
  private static Router.Form form(Selection selection) {
    return new Router.Form(
        new Scoring.SoftmaxOverAll(), selection, Weighting.AS_SCORED, Router.Refinement.NONE);
  }

  private static Stream<ParityCase> experts() {
    return FORMS.entrySet().stream()
        .flatMap(experts ->
            Stream.of(
                    new Selection.TokenChoice(1),
                    new Selection.TokenChoice(2),
                    new Selection.TokenChoice(3),
                    new Selection.ExpertChoice(0.25))
                .flatMap(selection ->
                    Arrays.stream(ExpertWeights.Gating.values())
                        .flatMap(gating ->
                            ParityCase.inBothTypes(
                                "%s experts, %s, %s".formatted(experts.getKey(), gating, selection),
                                in -> {
                                  Tensor x = in.leaf(1, TOKENS, HIDDEN);
                                  Router router =
                                      Router.of(form(selection), in.leaf(0.3, EXPERTS, HIDDEN));
                                  Experts form = experts.getValue().of(stacked(in, gating));
                                  return in.withGradients(form.forward(x, router.route(x, PASS)));
                                }))));
  }

  /// Gated experts without biases, plain ones with.
  static ExpertWeights.Stacked stacked(Inputs in, ExpertWeights.Gating gating) {
    return switch (gating) {
      case GATED ->
          new ExpertWeights.Stacked(
              new ExpertWeights.Form(gating, Activation.SILU),
              in.leaf(0.2, EXPERTS, 2 * INNER, HIDDEN),
              in.leaf(0.2, EXPERTS, HIDDEN, INNER),
              null);
      case PLAIN ->
          new ExpertWeights.Stacked(
              new ExpertWeights.Form(gating, Activation.GELU),
              in.leaf(0.2, EXPERTS, INNER, HIDDEN),
              in.leaf(0.2, EXPERTS, HIDDEN, INNER),
              new ExpertWeights.Biases(
                  in.leaf(0.2, EXPERTS, INNER), in.leaf(0.2, EXPERTS, HIDDEN)));
    };
  }

  /// A layer of gated experts in the form that is usual for the device.
  static MoeLayer layer(Inputs in) {
    return new MoeLayer(
        Router.of(Router.Form.topK(2), in.leaf(0.3, EXPERTS, HIDDEN)),
        Experts.fastest(stacked(in, ExpertWeights.Gating.GATED)),
        null);
  }

  private static Stream<ParityCase> layers() {
    return Stream.of(
            ParityCase.inBothTypes(
                "layer with a shared expert",
                in -> shared(in, new SharedExpert.Ungated(network(in)))),
            ParityCase.inBothTypes(
                "layer with a gated shared expert",
                in ->
                    shared(
                        in,
                        new SharedExpert.SigmoidGated(
                            network(in), Linear.of(in.leaf(0.3, 1, HIDDEN))))),
            ParityCase.inBothTypes("groups by modality", MoeCases::modalities))
        .flatMap(cases -> cases);
  }

  private static FeedForward network(Inputs in) {
    return new FeedForward.FusedGated(
        in.map(2 * INNER, HIDDEN), in.map(HIDDEN, INNER), Activation.SILU);
  }

  private static List<Tensor> shared(Inputs in, SharedExpert shared) {
    MoeLayer routed = layer(in);
    MoeLayer layer = new MoeLayer(routed.router(), routed.experts(), shared);
    return in.withGradients(layer.forward(in.leaf(1, TOKENS, HIDDEN), PASS).hidden());
  }

  private static List<Tensor> modalities(Inputs in) {
    int[] modalities = IntStream.range(0, TOKENS).map(i -> i % 3 == 0 ? 1 : 0).toArray();
    ModalityIndex index = ModalityIndex.of(modalities, 2, in.device());
    ModalityMoe moe = new ModalityMoe(List.of(layer(in), layer(in)));
    Tensor x = in.leaf(1, TOKENS, HIDDEN);
    return in.withGradients(moe.forward(x, index, train(in)).hidden());
  }
}
