package dev.upcycle.kernels.loss;

import dev.upcycle.kernels.moe.Routing;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.Tensors;
import java.util.List;

/// Penalties for sending many tokens to few experts, all in one normalisation: `E · Σ f · P` with
/// `f` an expert's share of the choices (no gradient) and `P` its mean score, so that the value is
/// 1 at balance and at most `E`. Published coefficients are for other normalisations: multiply one
/// by [#publishedFactor] to use it here.
public sealed interface BalanceLoss {
  /// The loss of a batch whose layers routed like this; a scalar.
  Tensor of(List<Routing> layers);

  /// What the published formula gives at balance, where this one gives 1.
  ///
  /// @param perToken experts per token
  double publishedFactor(int perToken);

  /// Choices and scores of all layers in one pool, as transformers' `load_balancing_loss_func`:
  /// opposite imbalances of two layers cancel. Published without the division by the experts per
  /// token.
  record Pooled() implements BalanceLoss {
    @Override
    public Tensor of(List<Routing> layers) {
      Tensor tokens = RoutingSums.sumOver(layers, routing -> RoutingSums.members(routing).sum());
      return product(
          RoutingSums.sumOver(layers, RoutingSums::picks),
          RoutingSums.sumOver(layers, RoutingSums::scores).over(tokens.clamp(1, Float.MAX_VALUE)));
    }

    @Override
    public double publishedFactor(int perToken) {
      return perToken;
    }
  }

  /// The mean over layers of each layer's own loss, all of a token's choices counting alike:
  /// Megatron's switch loss.
  record PerLayer() implements BalanceLoss {
    @Override
    public Tensor of(List<Routing> layers) {
      return RoutingSums.meanOver(
          layers, routing -> product(RoutingSums.picks(routing), meanScores(routing)));
    }

    @Override
    public double publishedFactor(int perToken) {
      return 1;
    }
  }

  /// The same with each token's best expert counting only: Switch Transformer (arXiv 2101.03961,
  /// eq. 4), GShard, DeepSpeed.
  record Switch() implements BalanceLoss {
    @Override
    public Tensor of(List<Routing> layers) {
      return RoutingSums.meanOver(
          layers,
          routing -> {
            Tensor best = RoutingSums.weighted(best(routing), RoutingSums.members(routing));
            return product(best.sum(0), meanScores(routing));
          });
    }

    @Override
    public double publishedFactor(int perToken) {
      return 1;
    }
  }

  /// The same for each image by itself, then the mean over images that count and over layers: CuMo
  /// (arXiv 2405.05949).
  ///
  /// @param imageTokens tokens per image
  record SwitchPerImage(long imageTokens) implements BalanceLoss {
    @Override
    public Tensor of(List<Routing> layers) {
      return RoutingSums.meanOver(layers, this::layer);
    }

    private Tensor layer(Routing routing) {
      Tensor members = RoutingSums.members(routing);
      Tensor counts = members.view(-1, imageTokens).sumKeeping(-1);
      Tensor counted = counts.clamp(1, (double) imageTokens);
      Tensor fractions = perImage(best(routing), members).over(counted);
      Tensor means = perImage(routing.evidence().scores(), members).over(counted);
      Tensor images = RoutingSums.count(counts.clamp(0, 1));
      return fractions.times(means).sum().over(images).times(routing.expertCount());
    }

    private Tensor perImage(Tensor rows, Tensor members) {
      return RoutingSums.weighted(rows, members).view(-1, imageTokens, rows.size(1)).sum(1);
    }

    @Override
    public double publishedFactor(int perToken) {
      return 1;
    }
  }

  private static Tensor meanScores(Routing routing) {
    return RoutingSums.scores(routing).over(RoutingSums.count(RoutingSums.members(routing)));
  }

  /// 1 at each token's best expert, `[T, E]`.
  private static Tensor best(Routing routing) {
    Tensor scores = routing.evidence().scores();
    Tensor index = scores.argmax().unsqueeze(1);
    Tensor one = Tensors.zerosLike(scores, scores.size(0), 1).plus(1);
    return Tensors.zerosLike(scores, scores.shape()).scatter(1, index, one);
  }

  private static Tensor product(Tensor counts, Tensor means) {
    return counts
        .over(RoutingSums.count(counts))
        .times(means)
        .sum()
        .times((double) counts.elements());
  }
}
