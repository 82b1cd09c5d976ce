package dev.upcycle.kernels.tensor;

/// What each query of attention may look at.
public sealed interface Sight {
  /// Every key.
  record Everything() implements Sight {}

  /// The key of its own place and those before it; queries and keys start together.
  record Causal() implements Sight {}

  /// The keys that a mask lets it see.
  ///
  /// @param mask `[queries, keys]`, true where a query may look
  record Masked(Tensor mask) implements Sight {}
}
