package dev.upcycle.kernels.loss;

import dev.upcycle.kernels.ffn.Linear;
import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Functions;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.kernels.tensor.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Cross-entropy of next tokens in float32, a chunk of tokens at a time: the logits of a whole
/// batch, often the largest tensor of a step, never exist.
///
/// @param ignored label of tokens that do not count
/// @param chunk tokens whose logits exist at once
public record TokenLoss(long ignored, long chunk) {
  private static final long USUAL_CHUNK = 512;

  /// Refuses a chunk without tokens.
  public TokenLoss {
    if (chunk < 1) {
      throw new IllegalArgumentException("a chunk must hold at least 1 token, not " + chunk);
    }
  }

  /// Ignores -100, as Hugging Face's models do, in chunks of 512.
  public static TokenLoss usual() {
    return new TokenLoss(-100, USUAL_CHUNK);
  }

  /// A loss and where to go on from it.
  ///
  /// @param mean over tokens that count, a scalar without a graph
  /// @param derivative of the mean with respect to hidden, `[tokens, hidden]`: hand it to
  ///   `Gradients.backward(hidden, derivative)`
  public record Outcome(Tensor mean, Tensor derivative) {}

  /// The mean loss; adds its derivatives to the gradients of the head.
  ///
  /// @param hidden `[tokens, hidden]`
  /// @param head to `[tokens, vocab]`
  /// @param labels `[tokens]`, 64-bit
  public Outcome backward(Tensor hidden, Linear head, Tensor labels) {
    Tensor counted = labels.isEqualTo(ignored).not().to(DType.F32).sum().clamp(1, Long.MAX_VALUE);
    return backward(hidden, head, labels, counted);
  }

  /// A micro-batch's share of the mean over a whole batch; likewise its derivatives.
  ///
  /// @param counted tokens of the whole batch that count, a float32 scalar above 0
  public Outcome backward(Tensor hidden, Linear head, Tensor labels, Tensor counted) {
    List<Tensor> sums = new ArrayList<>();
    List<Tensor> derivatives = new ArrayList<>();
    List<Tensor> parts = chunks(Gradients.detach(hidden));
    List<Tensor> partLabels = chunks(labels);
    for (int i = 0; i < parts.size(); i++) {
      try (TensorScope scope = TensorScope.open()) {
        Tensor leaf = Gradients.track(parts.get(i));
        Tensor share = each(head.forward(leaf), partLabels.get(i)).sum().over(counted);
        Gradients.backward(share);
        sums.add(scope.keep(Gradients.detach(share)));
        derivatives.add(scope.keep(Gradients.find(leaf).orElseThrow()));
      }
    }
    return new Outcome(Tensors.stack(sums, 0).sum(), Tensors.concat(derivatives, 0));
  }

  /// Each token's negative log-likelihood, 0 where it does not count, `[tokens]`; records no graph.
  public Tensor each(Tensor hidden, Linear head, Tensor labels) {
    List<Tensor> losses = new ArrayList<>();
    List<Tensor> parts = chunks(hidden);
    List<Tensor> partLabels = chunks(labels);
    try (Gradients.Pause _ = Gradients.pause()) {
      for (int i = 0; i < parts.size(); i++) {
        try (TensorScope scope = TensorScope.open()) {
          losses.add(scope.keep(each(head.forward(parts.get(i)), partLabels.get(i))));
        }
      }
    }
    return Tensors.concat(losses, 0);
  }

  private Tensor each(Tensor logits, Tensor labels) {
    Tensor ignoredTokens = labels.isEqualTo(ignored);
    Tensor index = labels.maskedFill(ignoredTokens, 0).unsqueeze(1);
    Tensor picked = Functions.logSoftmax(logits.to(DType.F32)).gather(1, index).squeeze(1);
    return picked.negated().maskedFill(ignoredTokens, 0);
  }

  private List<Tensor> chunks(Tensor rows) {
    long tokens = rows.size(0);
    long[] sizes = new long[Math.toIntExact(Math.ceilDiv(tokens, chunk))];
    Arrays.fill(sizes, chunk);
    if (sizes.length > 0) {
      sizes[sizes.length - 1] = tokens - chunk * (sizes.length - 1);
    }
    return rows.split(0, sizes);
  }
}
