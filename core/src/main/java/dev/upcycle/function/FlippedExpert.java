package dev.upcycle.function;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.Role;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.model.LayerWalk;

/// An expert whose output has the opposite sign.
///
/// @param family whose names its weights have
/// @param expert which one
record FlippedExpert(Architecture family, int expert) implements LayerWalk.Change {
  static FlippedExpert of(ModelConfig config, int expert) {
    return new FlippedExpert(Architecture.require(config.modelType()), expert);
  }

  @Override
  public Tensor of(String name, Tensor weight) {
    boolean flips =
        family
            .match(name)
            .filter(match -> match.template().role() == Role.EXPERT_DOWN)
            .filter(match -> match.expert().orElse(-1) == expert)
            .isPresent();
    return flips ? weight.negated() : weight;
  }
}
