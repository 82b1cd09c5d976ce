package dev.upcycle.kernels.loss;

import dev.upcycle.kernels.moe.Routing;
import dev.upcycle.kernels.tensor.Functions;
import dev.upcycle.kernels.tensor.Tensor;

/// LIMoE's entropies of one modality (arXiv 2206.02770), from a router's softmax.
///
/// Members are the modality's tokens: `[T]`, 1 or 0.
public final class EntropyLoss {
  private EntropyLoss() {}

  /// The mean over members of each token's entropy; minimised, tokens choose with confidence.
  public static Tensor local(Routing routing, Tensor members) {
    Tensor logits = routing.evidence().logits();
    Tensor entropies = entropy(Functions.softmax(logits), Functions.logSoftmax(logits));
    return entropies.times(members).sum().over(members.sum());
  }

  /// `max(0, threshold - H)` with `H` the entropy of the members' mean distribution; minimised, the
  /// modality uses at least `exp(threshold)` experts.
  public static Tensor global(Routing routing, Tensor members, double threshold) {
    Tensor scores = Functions.softmax(routing.evidence().logits());
    Tensor mean = RoutingSums.weighted(scores, members).sum(0).over(members.sum());
    Tensor entropy = entropy(mean, mean.clamp(Float.MIN_NORMAL, 1).log());
    return Functions.relu(entropy.negated().plus(threshold));
  }

  private static Tensor entropy(Tensor probabilities, Tensor logarithms) {
    return probabilities.times(logarithms).sum(-1).negated();
  }
}
