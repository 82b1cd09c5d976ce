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
import dev.upcycle.recipe.Stage;
import java.util.List;

/// Forward and backward of micro-batches through a decoder; owns nothing.
///
/// The cross-entropy is a mean over the learned tokens of the whole step, so that cutting a batch
/// into micro-batches changes no more than roundings; the losses of routers are means over
/// micro-batches of each one's own.
final class DecoderPass {
  private final DecoderModel model;
  private final RouterLosses routerLosses;
  private final Stage.Recomputation recomputation;

  DecoderPass(DecoderModel model, RouterLosses routerLosses, Stage.Recomputation recomputation) {
    this.model = model;
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
        totals.add(backward(batches.get(index), own, new Whole(learned, batches.size())));
      }
    }
    return totals.losses();
  }

  /// The step that a micro-batch is of.
  private record Whole(long learned, int microBatches) {}

  /// The cross-entropy's sum over the learned tokens; records nothing.
  double sum(TokenBatch batch) {
    try (TensorScope _ = TensorScope.open();
        Gradients.Pause _ = Gradients.pause()) {
      Device device = model.options().device();
      ForwardPass pass =
          new ForwardPass(new RoutingPass.Infer(batch.mask(device)), null, 0)
              .over(batch.documents(model.options()));
      Tensor rows = rows(model.hidden(model.embed(batch.ids()), pass).hidden());
      return TokenLoss.usual().each(rows, model.head(), batch.labels(device)).sum().item();
    }
  }

  private LossTotals.Measured backward(TokenBatch batch, NoiseCounter noise, Whole step) {
    Device device = model.options().device();
    ForwardPass pass =
        ForwardPass.training(new RoutingPass.Train(noise, batch.mask(device)))
            .over(batch.documents(model.options()));
    return switch (recomputation) {
      case NONE -> {
        HiddenOutput output = model.hidden(model.embed(batch.ids()), pass);
        Tensor rows = rows(output.hidden());
        TokenLoss.Outcome loss = loss(rows, batch, step);
        List<Routing> routings = output.routings().stream().map(LayerRouting::routing).toList();
        Tensor end = rows.times(loss.derivative()).sum();
        yield finish(new Ends(loss, end), routings, step);
      }
      case LAYERS -> recomputed(batch, pass, step);
    };
  }

  /// Where the graph of a pass ends.
  private record Ends(TokenLoss.Outcome loss, Tensor hidden) {}

  /// One backward from both ends, since they share the graph: the derivative of `end` with respect
  /// to the hidden states is the cross-entropy's.
  private LossTotals.Measured finish(Ends ends, List<Routing> routings, Whole step) {
    TokenLoss.Outcome loss = ends.loss();
    Tensor end = ends.hidden();
    if (routings.isEmpty()) {
      Gradients.backward(end);
      return LossTotals.Measured.dense(loss.mean().item());
    }
    RouterLosses.Outcome routers = routerLosses.of(routings);
    Tensor both =
        routers.weighted().map(sum -> end.plus(sum.over(step.microBatches()))).orElse(end);
    Gradients.backward(both);
    return LossTotals.Measured.of(loss.mean().item(), routers, routings);
  }

  private LossTotals.Measured recomputed(TokenBatch batch, ForwardPass pass, Whole step) {
    RecomputedPass layers = RecomputedPass.forward(model, batch.ids(), pass);
    Tensor last = Gradients.track(Gradients.detach(layers.last()));
    Tensor rows = rows(model.finalNorm().forward(last));
    TokenLoss.Outcome loss = loss(rows, batch, step);
    Gradients.backward(rows, loss.derivative());
    List<Routing> routings = layers.routings();
    if (routings.isEmpty()) {
      layers.backward(Gradients.find(last).orElseThrow());
      return LossTotals.Measured.dense(loss.mean().item());
    }
    RouterLosses.Outcome routers = routerLosses.of(routings);
    routers.weighted().map(sum -> sum.over(step.microBatches())).ifPresent(Gradients::backward);
    layers.backward(Gradients.find(last).orElseThrow());
    return LossTotals.Measured.of(loss.mean().item(), routers, routings);
  }

  private TokenLoss.Outcome loss(Tensor rows, TokenBatch batch, Whole step) {
    Device device = model.options().device();
    Tensor counted = Tensors.full(DType.F32, (double) step.learned()).to(device);
    return TokenLoss.usual().backward(rows, model.head(), batch.labels(device), counted);
  }

  private static Tensor rows(Tensor hidden) {
    return hidden.view(hidden.size(0) * hidden.size(1), hidden.size(2));
  }
}
