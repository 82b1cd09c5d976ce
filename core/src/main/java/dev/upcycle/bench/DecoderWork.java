package dev.upcycle.bench;

import dev.upcycle.kernels.attention.KvCache;
import dev.upcycle.kernels.ffn.Linear;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.model.DecoderModel;
import dev.upcycle.model.ForwardPass;
import java.util.List;

/// Something that a decoder does over and over; waits until it is done.
sealed interface DecoderWork extends AutoCloseable {
  /// Does it once, and gives a number of the result.
  double once();

  @Override
  void close();

  /// A training step over the same tokens each time. Owns its optimizer, not the model.
  final class Step implements DecoderWork {
    private final BareStep step;
    private final Tensor ids;
    private final Tensor labels;

    /// @param ids `[batch, seq]`
    /// @param labels `[batch · seq]`
    Step(DecoderModel model, Tensor ids, Tensor labels) {
      this.step = new BareStep(model);
      this.ids = ids;
      this.labels = labels;
    }

    /// The loss before the step.
    @Override
    public double once() {
      return step.over(ids, labels);
    }

    @Override
    public void close() {
      step.close();
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
