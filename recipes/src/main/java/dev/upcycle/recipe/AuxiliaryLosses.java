package dev.upcycle.recipe;

/// The losses of routers.
///
/// @param kind how the balance is counted
/// @param balance what the balance loss, which is 1 at balance whatever its kind, is multiplied by
/// @param routerZ what the z loss is multiplied by
public record AuxiliaryLosses(Balance kind, double balance, double routerZ) {
  /// How the balance is counted.
  public enum Balance {
    /// All layers in one pool, as transformers does.
    POOLED,
    /// Each layer by itself, every choice of a token counting alike.
    PER_LAYER,
    /// Each layer by itself, a token's first choice counting only.
    SWITCH
  }
}
