package dev.upcycle.kernels.moe;

import dev.upcycle.kernels.ffn.FeedForward;
import dev.upcycle.kernels.ffn.Linear;
import dev.upcycle.kernels.tensor.Functions;
import dev.upcycle.kernels.tensor.Tensor;

/// An expert that every token passes, beside the routed ones.
public sealed interface SharedExpert {
  /// `[T, H]` to what is added to the routed experts' sum.
  Tensor forward(Tensor x);

  /// Its result as it is, as in DeepSeek-MoE (arXiv 2401.06066).
  record Ungated(FeedForward network) implements SharedExpert {
    @Override
    public Tensor forward(Tensor x) {
      return network.forward(x);
    }
  }

  /// Its result times a learned number from 0 to 1 per token, as in Qwen2-MoE (arXiv 2407.10671).
  ///
  /// @param gate `[1, H]`
  record SigmoidGated(FeedForward network, Linear gate) implements SharedExpert {
    @Override
    public Tensor forward(Tensor x) {
      return Functions.sigmoid(gate.forward(x)).times(network.forward(x));
    }
  }
}
