package dev.upcycle.function;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.Role;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.model.WeightChange;
import java.util.EnumSet;
import java.util.Set;

/// An expert whose last map has the opposite sign.
///
/// @param family whose names its weights have
/// @param expert which one
record FlippedExpert(Architecture family, int expert) implements WeightChange {
  private static final Set<Role> LAST = EnumSet.of(Role.EXPERT_DOWN, Role.EXPERT_DOWN_BIAS);

  @Override
  public Tensor of(String name, Tensor weight) {
    boolean flips =
        family
            .match(name)
            .filter(match -> LAST.contains(match.template().role()))
            .filter(match -> match.expert().orElse(-1) == expert)
            .isPresent();
    return flips ? weight.negated() : weight;
  }
}
