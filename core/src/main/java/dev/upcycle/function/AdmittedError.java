package dev.upcycle.function;

import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.Tensors;

/// An error as large as a layer may make by itself, in every value of every token.
///
/// @param share of a token's largest magnitude
/// @param seed that decides the signs
record AdmittedError(double share, long seed) {
  /// The states of a layer that errs so.
  ///
  /// @param hidden `[…, hidden]`
  Tensor on(Tensor hidden) {
    Tensor rows = hidden.reshape(-1, hidden.size(-1));
    Tensor largest = rows.abs().topK(1).values();
    Tensor draws = Tensors.uniform(seed, rows.shape()).times(2.0).plus(-1.0);
    return rows.plus(draws.times(largest).times(share)).view(hidden.shape());
  }
}
