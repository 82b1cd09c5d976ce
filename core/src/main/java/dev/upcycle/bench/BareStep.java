package dev.upcycle.bench;

import dev.upcycle.kernels.loss.TokenLoss;
import dev.upcycle.kernels.moe.NoiseCounter;
import dev.upcycle.kernels.moe.RoutingPass;
import dev.upcycle.kernels.optim.AdamW;
import dev.upcycle.kernels.optim.GradientNorm;
import dev.upcycle.kernels.tensor.Fused;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.LibTorch;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.model.DecoderModel;
import dev.upcycle.model.ForwardPass;
import java.util.Collection;

/// A decoder's training step and nothing else: forward, backward, clipping, AdamW. Owns the
/// optimizer, not the model.
final class BareStep implements AutoCloseable {
  static final double RATE = 1e-4;
  static final double LIMIT = 1;

  private static final Fused.AdamWRates RATES = new Fused.AdamWRates(RATE, 0.9, 0.999, 0.01, 1e-8);

  private final DecoderModel model;
  private final AdamW optimizer;
  private long steps;

  BareStep(DecoderModel model) {
    this.model = model;
    model.parameters().values().forEach(Gradients::track);
    this.optimizer = new AdamW(model.parameters());
  }

  /// Takes a step, waits until it is done, and gives the loss before it.
  ///
  /// @param ids `[batch, seq]`
  /// @param labels `[batch · seq]`
  double over(Tensor ids, Tensor labels) {
    try (TensorScope _ = TensorScope.open()) {
      double loss = backward(ids, labels);
      Collection<Tensor> parameters = model.parameters().values();
      double factor = GradientNorm.factor(GradientNorm.of(parameters), LIMIT);
      optimizer.step(RATES, factor);
      optimizer.clearGradients();
      LibTorch.await(parameters.iterator().next());
      return loss;
    }
  }

  private double backward(Tensor ids, Tensor labels) {
    try (TensorScope _ = TensorScope.open()) {
      NoiseCounter noise = new NoiseCounter(0, 0, steps++, 0, 0);
      ForwardPass pass = ForwardPass.training(new RoutingPass.Train(noise, null));
      Tensor hidden = model.hidden(model.embed(ids), pass).hidden();
      Tensor rows = hidden.view(labels.size(0), hidden.size(2));
      TokenLoss.Outcome outcome = TokenLoss.usual().backward(rows, model.head(), labels);
      Gradients.backward(rows, outcome.derivative());
      return outcome.mean().item();
    }
  }

  @Override
  public void close() {
    optimizer.close();
  }
}
