package dev.upcycle.kernels.moe;

import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.Tensors;

/// Carries tokens to their experts and results back.
public final class Dispatcher {
  private final Routing routing;

  /// For one routing of one batch.
  public Dispatcher(Routing routing) {
    this.routing = routing;
  }

  /// The assigned tokens in the order of experts, `[T, H]` to `[N, H]`.
  public Tensor gather(Tensor x) {
    return x.indexSelect(0, routing.tokens());
  }

  /// The weighted sums of each token's results, `[N, H]` to `[T, H]`.
  public Tensor combine(Tensor results) {
    return routing
        .findByToken()
        .map(byToken -> combineByToken(results, byToken))
        .orElseGet(() -> combineByExpert(results));
  }

  private Tensor combineByToken(Tensor results, Routing.ByToken byToken) {
    Tensor weights = byToken.weights().to(results.dtype());
    long tokens = weights.size(0);
    long perToken = weights.size(1);
    Tensor back = results.indexSelect(0, byToken.places());
    if (perToken == 1) {
      return back.times(weights);
    }
    return back.view(tokens, perToken, results.size(1)).times(weights.unsqueeze(-1)).sum(1);
  }

  private Tensor combineByExpert(Tensor results) {
    Tensor weights = routing.weights().to(results.dtype()).unsqueeze(1);
    return Tensors.zerosLike(results, routing.tokenCount(), results.size(1))
        .indexAdd(0, routing.tokens(), results.times(weights));
  }
}
