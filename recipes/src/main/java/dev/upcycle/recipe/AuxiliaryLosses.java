package dev.upcycle.recipe;

import java.util.Map;

/// The losses of routers.
///
/// @param kind how the balance is counted
/// @param balance what the balance loss, which is 1 at balance whatever its kind, is multiplied by
/// @param routerZ what the z loss is multiplied by
/// @param filler whether what only fills up counts
public record AuxiliaryLosses(Balance kind, Weights balance, Weights routerZ, Filler filler) {
  /// How the balance is counted.
  public enum Balance {
    /// All layers in one pool, as transformers does.
    POOLED,
    /// Each layer by itself, every choice of a token counting alike.
    PER_LAYER,
    /// Each layer by itself, a token's first choice counting only.
    SWITCH,
    /// As `SWITCH`; of image towers and connectors each image by itself, the layers that a LLaVA
    /// does not use among them (arXiv 2405.05949).
    CUMO
  }

  /// Tokens that pad a text, and images of nothing that texts without an image give to a tower.
  public enum Filler {
    LEFT_OUT,
    COUNTED
  }

  /// What a loss is multiplied by.
  ///
  /// @param usual for parts without a weight of their own
  /// @param own of parts
  public record Weights(double usual, Map<Part, Double> own) {
    /// Takes a copy.
    public Weights {
      own = Map.copyOf(own);
    }

    /// The same for all parts.
    public static Weights of(double usual) {
      return new Weights(usual, Map.of());
    }

    /// That of a part.
    public double of(Part part) {
      return own.getOrDefault(part, usual);
    }
  }
}
