package dev.upcycle.kernels.moe;

import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Functions;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.Tensors;

/// How logits `[T, E]` become scores `[T, E]`.
public sealed interface Scoring {
  /// A distribution over all experts.
  record SoftmaxOverAll() implements Scoring {}

  /// A distribution over the chosen experts only; scores are still over all, for the losses.
  record SoftmaxOverChosen() implements Scoring {}

  /// A distribution over all experts with CuMo's numerics (arXiv 2405.05949): logits in the model's
  /// type, their softmax in float32, rounded to the model's type before experts are chosen and
  /// weights divided. In float32 it is [SoftmaxOverAll]; in bfloat16 experts can tie.
  record RoundedSoftmax() implements Scoring {}

  /// Independent numbers from 0 to 1.
  record Sigmoid() implements Scoring {}

  /// `sigmoid((logit + scale · (G' - G'')) / temperature)` with two Gumbel draws (MoMa, arXiv
  /// 2407.21770, eq. 5, where both parameters are 1); no noise at inference.
  ///
  /// @param scale of the noise, annealed to 0
  /// @param temperature above 0
  record GumbelSigmoid(double scale, double temperature) implements Scoring {
    private static final double SMALLEST = 1e-7;

    /// Refuses a scale below 0 and a temperature of 0 or less.
    public GumbelSigmoid {
      if (!(scale >= 0) || !(temperature > 0)) {
        throw new IllegalArgumentException(
            "scale must be >= 0 and temperature > 0, not %s and %s".formatted(scale, temperature));
      }
    }

    /// The difference of two Gumbel draws has a logistic law, so one uniform draw is enough.
    private Tensor noise(Tensor logits, long seed) {
      Tensor uniform =
          Tensors.uniform(seed, logits.shape()).clamp(SMALLEST, 1 - SMALLEST).to(logits.device());
      return uniform.log().minus(Functions.log1p(uniform.negated())).times(scale);
    }
  }

  /// The type that logits, scores and weights are rounded to, in a model that computes in another.
  default DType precision(DType model) {
    return switch (this) {
      case RoundedSoftmax _ -> model;
      case SoftmaxOverAll _, SoftmaxOverChosen _, Sigmoid _, GumbelSigmoid _ -> DType.F32;
    };
  }

  /// Scores of float32 logits.
  default Tensor scores(Tensor logits, RoutingPass pass) {
    return switch (this) {
      case SoftmaxOverAll _, SoftmaxOverChosen _, RoundedSoftmax _ -> Functions.softmax(logits);
      case Sigmoid _ -> Functions.sigmoid(logits);
      case GumbelSigmoid gumbel -> {
        Tensor noisy =
            pass instanceof RoutingPass.Train train && gumbel.scale() > 0
                ? logits.plus(gumbel.noise(logits, train.noise().seedOf(Router.GUMBEL_DRAW)))
                : logits;
        yield Functions.sigmoid(noisy.over(gumbel.temperature()));
      }
    };
  }
}
