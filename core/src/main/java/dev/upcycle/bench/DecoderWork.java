package dev.upcycle.bench;

import dev.upcycle.kernels.attention.KvCache;
import dev.upcycle.kernels.ffn.Linear;
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
import java.util.List;

/// Something that a decoder does over and over; waits until it is done.
sealed interface DecoderWork extends AutoCloseable {
  /// Does it once, and gives a number of the result.
  double once();

  @Override
  void close();

  /// A training step: forward, backward, clipping, AdamW. Owns the optimizer, not the model.
  final class Step implements DecoderWork {
    private static final Fused.AdamWRates RATES =
        new Fused.AdamWRates(1e-4, 0.9, 0.999, 0.01, 1e-8);
    private static final double LIMIT = 1;

    private final DecoderModel model;
    private final Tensor ids;
    private final Tensor labels;
    private final AdamW optimizer;
    private long steps;

    /// @param ids `[batch, seq]`
    /// @param labels `[batch · seq]`
    Step(DecoderModel model, Tensor ids, Tensor labels) {
      this.model = model;
      this.ids = ids;
      this.labels = labels;
      model.parameters().values().forEach(Gradients::track);
      this.optimizer = new AdamW(model.parameters());
    }

    /// The loss before the step.
    @Override
    public double once() {
      try (TensorScope _ = TensorScope.open()) {
        double loss = backward();
        Collection<Tensor> parameters = model.parameters().values();
        double factor = GradientNorm.factor(GradientNorm.of(parameters), LIMIT);
        optimizer.step(RATES, factor);
        optimizer.clearGradients();
        LibTorch.await(parameters.iterator().next());
        return loss;
      }
    }

    private double backward() {
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

  /// The forward pass of a prompt that keeps the cache and computes the last token's logits, as
  /// generating does. Owns nothing.
  record Prefill(DecoderModel model, Tensor ids) implements DecoderWork {
    /// The largest logit.
    @Override
    public double once() {
      try (TensorScope _ = TensorScope.open();
          Gradients.Pause _ = Gradients.pause();
          KvCache cache = model.newCache()) {
        Tensor hidden = model.hidden(model.embed(ids), ForwardPass.cached(cache)).hidden();
        List<Tensor> ends = hidden.split(1, hidden.size(1) - 1, 1);
        Linear head = model.head();
        return head.forward(ends.getLast()).max().item();
      }
    }

    @Override
    public void close() {}
  }
}
