package dev.upcycle.function;

import dev.upcycle.arch.Architecture;
import dev.upcycle.arch.Role;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.Tensors;
import dev.upcycle.model.WeightChange;

/// A router of fixed random rows in place of the one that is stored.
///
/// @param family whose names its weight has
/// @param rows which row each expert gets, a permutation
record DrawnRouter(Architecture family, long[] rows) implements WeightChange {
  private static final long SEED = 20260102;

  @Override
  public Tensor of(String name, Tensor weight) {
    boolean router =
        family.match(name).filter(match -> match.template().role() == Role.ROUTER).isPresent();
    return router
        ? Tensors.normal(SEED, weight.shape())
            .indexSelect(0, Tensors.of(rows))
            .to(weight.dtype())
            .to(weight.device())
        : weight;
  }

  /// How many tokens each row drew.
  ///
  /// @param counts of the tokens of each expert
  long[] ofRows(long[] counts) {
    long[] drawn = new long[counts.length];
    for (int expert = 0; expert < counts.length; expert++) {
      drawn[Math.toIntExact(rows[expert])] = counts[expert];
    }
    return drawn;
  }
}
