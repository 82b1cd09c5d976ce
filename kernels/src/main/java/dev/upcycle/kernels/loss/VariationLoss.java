package dev.upcycle.kernels.loss;

import dev.upcycle.kernels.moe.Routing;
import dev.upcycle.kernels.tensor.Functions;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import java.util.List;

/// Squared coefficients of variation over experts, `variance / mean²`, 0 at balance (Shazeer et
/// al., arXiv 1701.06538), with the population's variance as V-MoE has it; means over layers. 0
/// where no token counts.
public sealed interface VariationLoss {
  /// The loss of a batch whose layers routed like this; a scalar.
  Tensor of(List<Routing> layers);

  /// Of the summed scores.
  record Importance() implements VariationLoss {
    @Override
    public Tensor of(List<Routing> layers) {
      return RoutingSums.meanOver(layers, routing -> variation(RoutingSums.scores(routing)));
    }
  }

  /// Of the numbers of assignments; carries no gradient, so it is a measure rather than a loss.
  record Load() implements VariationLoss {
    @Override
    public Tensor of(List<Routing> layers) {
      return RoutingSums.meanOver(layers, routing -> variation(RoutingSums.picks(routing)));
    }
  }

  /// Of each expert's expected assignments if normal noise were added to its logit: smooth, so it
  /// has a gradient (V-MoE, arXiv 2106.05974, appendix).
  ///
  /// @param perToken experts per token
  /// @param deviation of the noise, `1 / E` in V-MoE
  record SmoothLoad(int perToken, double deviation) implements VariationLoss {
    /// Refuses a deviation of 0 or less.
    public SmoothLoad {
      if (!(deviation > 0)) {
        throw new IllegalArgumentException("deviation must be above 0, not " + deviation);
      }
    }

    @Override
    public Tensor of(List<Routing> layers) {
      return RoutingSums.meanOver(layers, this::layer);
    }

    private Tensor layer(Routing routing) {
      Tensor logits = routing.evidence().logits();
      Tensor best = Gradients.detach(logits).topK(perToken).values();
      Tensor threshold = best.narrow(-1, perToken - 1, 1);
      Tensor probability = normalCdf(logits.minus(threshold).over(deviation));
      return variation(RoutingSums.weighted(probability, RoutingSums.members(routing)).sum(0));
    }
  }

  private static Tensor normalCdf(Tensor x) {
    return Functions.erf(x.over(Math.sqrt(2))).plus(1).times(0.5);
  }

  private static Tensor variation(Tensor perExpert) {
    Tensor mean = perExpert.mean();
    return perExpert
        .minus(mean)
        .square()
        .mean()
        .over(mean.square().clamp(Float.MIN_NORMAL, Float.MAX_VALUE));
  }
}
