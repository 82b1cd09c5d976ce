package dev.upcycle.kernels.parity;

import dev.upcycle.kernels.ffn.Linear;
import dev.upcycle.kernels.loss.BalanceLoss;
import dev.upcycle.kernels.loss.EntropyLoss;
import dev.upcycle.kernels.loss.TokenLoss;
import dev.upcycle.kernels.loss.VariationLoss;
import dev.upcycle.kernels.loss.ZLoss;
import dev.upcycle.kernels.moe.Router;
import dev.upcycle.kernels.moe.Routing;
import dev.upcycle.kernels.moe.RoutingPass;
import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Every loss with its gradients.
final class LossCases {
  private static final int VOCABULARY = 40;
  private static final int CHUNK = 20;
  private static final long IGNORED = -100;

  private interface Loss {
    Tensor of(List<Routing> layers, Tensor members);
  }

  private static final Map<String, Loss> LOSSES =
      Map.of(
          "pooled balance", (layers, _) -> new BalanceLoss.Pooled().of(layers),
          "balance per layer", (layers, _) -> new BalanceLoss.PerLayer().of(layers),
          "switch balance", (layers, _) -> new BalanceLoss.Switch().of(layers),
          "switch balance per image", (layers, _) -> new BalanceLoss.SwitchPerImage(12).of(layers),
          "z", (layers, _) -> ZLoss.of(layers),
          "importance", (layers, _) -> new VariationLoss.Importance().of(layers),
          "smooth load", (layers, _) -> new VariationLoss.SmoothLoad(2, 0.125).of(layers),
          "local entropy", (layers, members) -> EntropyLoss.local(layers.getFirst(), members),
          "global entropy", (layers, members) -> EntropyLoss.global(layers.getFirst(), members, 3));

  private LossCases() {}

  static Stream<ParityCase> all() {
    Stream<ParityCase> routed =
        LOSSES.entrySet().stream()
            .flatMap(loss ->
                Stream.of(
                    ParityCase.wide(
                        loss.getKey() + " loss", in -> result(in, loss.getValue(), null)),
                    ParityCase.wide(
                        loss.getKey() + " loss of a masked batch",
                        in -> result(in, loss.getValue(), everyOther(in)))));
    return Stream.concat(
        routed,
        Stream.concat(
            Stream.of(ParityCase.wide("measured load", LossCases::load)),
            ParityCase.inBothTypes("loss of tokens in chunks", LossCases::tokens)));
  }

  private static Tensor everyOther(Inputs in) {
    return in.integers(IntStream.range(0, MoeCases.TOKENS).mapToLong(i -> i % 2).toArray());
  }

  private static List<Routing> layers(Inputs in, @Nullable Tensor mask) {
    List<Routing> layers = new ArrayList<>();
    for (int layer = 0; layer < 2; layer++) {
      Tensor x = in.leaf(1, MoeCases.TOKENS, MoeCases.HIDDEN);
      Router router =
          Router.of(Router.Form.topK(2), in.leaf(0.1, MoeCases.EXPERTS, MoeCases.HIDDEN));
      layers.add(router.route(x, new RoutingPass.Infer(mask)));
    }
    return layers;
  }

  private static List<Tensor> result(Inputs in, Loss loss, @Nullable Tensor mask) {
    Tensor members = everyOther(in).to(DType.F32);
    return in.withGradients(loss.of(layers(in, mask), members));
  }

  private static List<Tensor> load(Inputs in) {
    List<Routing> layers = layers(in, everyOther(in));
    return List.of(
        new VariationLoss.Load().of(layers), Gradients.detach(layers.getFirst().weights()));
  }

  private static List<Tensor> tokens(Inputs in) {
    Tensor hidden = in.normal(1, MoeCases.TOKENS, MoeCases.HIDDEN);
    Linear head = in.map(VOCABULARY, MoeCases.HIDDEN);
    long[] labels = IntStream.range(0, MoeCases.TOKENS).mapToLong(LossCases::label).toArray();
    TokenLoss loss = new TokenLoss(IGNORED, CHUNK);
    TokenLoss.Outcome outcome = loss.backward(hidden, head, in.integers(labels));
    List<Tensor> results = new ArrayList<>(in.gradients());
    results.add(outcome.mean());
    results.add(outcome.derivative());
    results.add(loss.each(hidden, head, in.integers(labels)));
    return results;
  }

  private static long label(int token) {
    return token % 7 == 0 ? IGNORED : token * 11L % VOCABULARY;
  }
}
