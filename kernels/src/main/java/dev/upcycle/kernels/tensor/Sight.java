package dev.upcycle.kernels.tensor;

/// What each query of attention may look at.
public sealed interface Sight {
  /// Every key.
  record Everything() implements Sight {}

  /// The key of its own place and those before it; queries and keys start together.
  record Causal() implements Sight {}

  /// The keys that a mask lets it see.
  ///
  /// @param mask `[queries, keys]` or `[batch, 1, queries, keys]`: true where a query may look, or
  ///   what is added to the products of query and key, in their type
  record Masked(Tensor mask) implements Sight {}
}
