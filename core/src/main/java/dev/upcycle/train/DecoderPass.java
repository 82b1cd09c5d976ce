package dev.upcycle.train;

import dev.upcycle.kernels.loss.TokenLoss;
import dev.upcycle.kernels.moe.NoiseCounter;
import dev.upcycle.kernels.moe.Routing;
import dev.upcycle.kernels.moe.RoutingPass;
import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Device;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.kernels.tensor.Tensors;
import dev.upcycle.model.DecoderModel;
import dev.upcycle.model.ForwardPass;
import dev.upcycle.model.HiddenOutput;
import dev.upcycle.model.LayerRouting;
import dev.upcycle.recipe.Part;
import dev.upcycle.recipe.Stage;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/// Forward and backward of micro-batches through a decoder and what it reads; owns nothing.
///
/// The cross-entropy is a mean over the learned tokens of the whole step, so that cutting a batch
/// into micro-batches changes no more than roundings; the losses of routers are means over
/// micro-batches of each one's own.
final class DecoderPass {
  private final TrainedModel model;
  private final DecoderModel decoder;
  private final RouterLosses routerLosses;
  private final Stage.Recomputation recomputation;

  DecoderPass(TrainedModel model, RouterLosses routerLosses, Stage.Recomputation recomputation) {
    this.model = model;
    this.decoder = model.decoder();
    this.routerLosses = routerLosses;
    this.recomputation = recomputation;
  }

  /// Adds the gradients of a step to those of the parameters.
  ///
  /// @param batches its micro-batches
  /// @param noise of the step
  StepLosses backward(List<TokenBatch> batches, NoiseCounter noise) {
    long learned = Math.max(1, batches.stream().mapToLong(TokenBatch::learned).sum());
    LossTotals totals = new LossTotals(routerLosses.settings(), batches.size());
    for (int index = 0; index < batches.size(); index++) {
      try (TensorScope _ = TensorScope.open()) {
        NoiseCounter own =
            new NoiseCounter(noise.seed(), noise.stage(), noise.step(), index, noise.layer());
        backward(new Micro(batches.get(index), own, learned, batches.size()), totals);
      }
    }
    return totals.losses();
  }

  /// A micro-batch and the step that it is of.
  ///
  /// @param learned tokens of the step
  /// @param count micro-batches of the step
  private record Micro(TokenBatch batch, NoiseCounter noise, long learned, int count) {}

  /// The cross-entropy's sum over the learned tokens; records nothing.
  double sum(TokenBatch batch) {
    try (TensorScope _ = TensorScope.open();
        Gradients.Pause _ = Gradients.pause()) {
      Device device = decoder.options().device();
      ForwardPass pass =
          new ForwardPass(new RoutingPass.Infer(mask(batch)), null, 0)
              .over(batch.documents(decoder.options()));
      Tensor hidden = model.read(batch, pass, routerLosses).hidden();
      Tensor rows = rows(decoder.hidden(hidden, pass).hidden());
      return TokenLoss.usual().each(rows, decoder.head(), batch.labels(device)).sum().item();
    }
  }

  private @Nullable Tensor mask(TokenBatch batch) {
    return switch (routerLosses.filler()) {
      case LEFT_OUT -> batch.mask(decoder.options().device());
      case COUNTED -> null;
    };
  }

  private void backward(Micro micro, LossTotals totals) {
    TokenBatch batch = micro.batch();
    ForwardPass pass =
        ForwardPass.training(new RoutingPass.Train(micro.noise(), mask(batch)))
            .over(batch.documents(decoder.options()));
    TrainedModel.Input input = model.read(batch, pass, routerLosses);
    SequencedMap<Part, RouterLosses.Outcome> routers = new LinkedHashMap<>();
    input.routings().forEach((part, routings) -> put(routers, part, routings));
    List<Tensor> before =
        routers.values().stream()
            .flatMap(outcome -> outcome.weighted().stream())
            .map(weighted -> weighted.over(micro.count()))
            .toList();
    TokenLoss.Outcome loss =
        switch (recomputation) {
          case NONE -> recorded(new Read(input.hidden(), before), micro, pass, routers);
          case LAYERS -> recomputed(new Read(input.hidden(), before), micro, pass, routers);
        };
    totals.add(loss.mean().item(), routers);
  }

  /// What the decoder reads, and the losses of routers on the way to it.
  private record Read(Tensor hidden, List<Tensor> losses) {}

  private void put(
      SequencedMap<Part, RouterLosses.Outcome> routers, Part part, List<Routing> routings) {
    if (!routings.isEmpty()) {
      routers.put(part, routerLosses.of(part, routings, model.tokensPerImage(part)));
    }
  }

  /// One backward from all ends, since they share the graph: the derivative of the sum with respect
  /// to the hidden states is the cross-entropy's.
  private TokenLoss.Outcome recorded(
      Read read, Micro micro, ForwardPass pass, SequencedMap<Part, RouterLosses.Outcome> routers) {
    HiddenOutput output = decoder.hidden(read.hidden(), pass);
    Tensor rows = rows(output.hidden());
    TokenLoss.Outcome loss = loss(rows, micro);
    put(routers, Part.LANGUAGE, output.routings().stream().map(LayerRouting::routing).toList());
    Tensor end = rows.times(loss.derivative()).sum();
    for (Tensor before : read.losses()) {
      end = end.plus(before);
    }
    Gradients.backward(own(routers).map(sum -> sum.over(micro.count())).map(end::plus).orElse(end));
    return loss;
  }

  private static Optional<Tensor> own(SequencedMap<Part, RouterLosses.Outcome> routers) {
    return Optional.ofNullable(routers.get(Part.LANGUAGE)).flatMap(RouterLosses.Outcome::weighted);
  }

  private TokenLoss.Outcome recomputed(
      Read read, Micro micro, ForwardPass pass, SequencedMap<Part, RouterLosses.Outcome> routers) {
    RecomputedPass layers = RecomputedPass.forward(decoder, read.hidden(), pass);
    Tensor last = Gradients.track(Gradients.detach(layers.last()));
    Tensor rows = rows(decoder.finalNorm().forward(last));
    TokenLoss.Outcome loss = loss(rows, micro);
    Gradients.backward(rows, loss.derivative());
    put(routers, Part.LANGUAGE, layers.routings());
    own(routers).map(sum -> sum.over(micro.count())).ifPresent(Gradients::backward);
    layers.backward(Gradients.find(last).orElseThrow(), read.losses());
    return loss;
  }

  private TokenLoss.Outcome loss(Tensor rows, Micro micro) {
    Device device = decoder.options().device();
    Tensor counted = Tensors.full(DType.F32, (double) micro.learned()).send(device);
    return TokenLoss.usual().backward(rows, decoder.head(), micro.batch().labels(device), counted);
  }

  private static Tensor rows(Tensor hidden) {
    return hidden.view(hidden.size(0) * hidden.size(1), hidden.size(2));
  }
}
