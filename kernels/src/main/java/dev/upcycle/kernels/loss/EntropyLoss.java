package dev.upcycle.kernels.loss;

import dev.upcycle.kernels.moe.Routing;
import dev.upcycle.kernels.tensor.Functions;
import dev.upcycle.kernels.tensor.Tensor;

/// LIMoE's entropies of one modality (arXiv 2206.02770), from a router's softmax.
///
/// Members are the modality's tokens: `[T]`, 1 or 0; those that a mask leaves out do not count, and
/// both losses are 0 where none does.
public final class EntropyLoss {
  private EntropyLoss() {}

  /// The mean over members of each token's entropy; minimised, tokens choose with confidence.
  public static Tensor local(Routing routing, Tensor members) {
    Tensor logits = routing.evidence().logits();
    Tensor entropies = entropy(Functions.softmax(logits), Functions.logSoftmax(logits));
    Tensor counted = counted(routing, members);
    return entropies.times(counted).sum().over(RoutingSums.count(counted));
  }

  /// `max(0, threshold - H)` with `H` the entropy of the members' mean distribution; minimised, the
  /// modality uses at least `exp(threshold)` experts.
  public static Tensor global(Routing routing, Tensor members, double threshold) {
    Tensor scores = Functions.softmax(routing.evidence().logits());
    Tensor counted = counted(routing, members);
    Tensor count = RoutingSums.count(counted);
    Tensor mean = RoutingSums.weighted(scores, counted).sum(0).over(count);
    Tensor entropy = entropy(mean, mean.clamp(Float.MIN_NORMAL, 1).log());
    Tensor any = counted.sum().clamp(0, 1);
    return Functions.relu(entropy.negated().plus(threshold)).times(any);
  }

  private static Tensor counted(Routing routing, Tensor members) {
    return members.times(RoutingSums.members(routing));
  }

  private static Tensor entropy(Tensor probabilities, Tensor logarithms) {
    return probabilities.times(logarithms).sum(-1).negated();
  }
}
