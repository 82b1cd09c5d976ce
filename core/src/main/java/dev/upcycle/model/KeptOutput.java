package dev.upcycle.model;

import dev.upcycle.kernels.moe.Routing;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;

/// Hands what a layer gives from the layer's scope to the one around it.
final class KeptOutput {
  private KeptOutput() {}

  static Routing keep(TensorScope scope, Routing routing) {
    scope.keep(routing.tokens());
    scope.keep(routing.experts());
    scope.keep(routing.weights());
    scope.keep(routing.offsets());
    scope.keep(routing.evidence().logits());
    scope.keep(routing.evidence().scores());
    Tensor mask = routing.evidence().mask();
    if (mask != null) {
      scope.keep(mask);
    }
    routing
        .findByToken()
        .ifPresent(byToken -> {
          scope.keep(byToken.weights());
          scope.keep(byToken.places());
        });
    return routing;
  }
}
