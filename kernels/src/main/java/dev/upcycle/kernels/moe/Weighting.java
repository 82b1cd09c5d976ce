package dev.upcycle.kernels.moe;

/// What the weights of a token's chosen experts are.
public enum Weighting {
  /// Their scores divided by the scores' sum, so that equal experts compute what one would.
  RENORMALISED,
  /// Their scores.
  AS_SCORED
}
