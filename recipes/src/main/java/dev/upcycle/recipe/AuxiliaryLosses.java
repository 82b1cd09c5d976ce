package dev.upcycle.recipe;

import java.util.EnumMap;
import java.util.Map;

/// The losses of routers.
///
/// @param kind how the balance is counted
/// @param balance weights of the balance loss, which is 1 at balance whatever its kind
/// @param routerZ weights of the z loss
public record AuxiliaryLosses(Balance kind, Weights balance, Weights routerZ) {
  /// How the balance is counted.
  public enum Balance {
    /// All layers in one pool, as transformers does.
    POOLED,
    /// Each layer by itself, every choice of a token counting alike.
    PER_LAYER,
    /// Each layer by itself, a token's first choice counting only.
    SWITCH,
    /// The same for each image by itself; a decoder's tokens are one image.
    CUMO
  }

  /// What a loss is multiplied by before it is added, by part.
  public record Weights(Map<Part, Double> byPart) {
    /// Takes a copy; refuses a part without a weight.
    public Weights {
      byPart = Map.copyOf(byPart);
      if (byPart.size() != Part.values().length) {
        throw new IllegalArgumentException("weights " + byPart);
      }
    }

    /// The same for every part.
    public static Weights of(double weight) {
      Map<Part, Double> all = new EnumMap<>(Part.class);
      for (Part part : Part.values()) {
        all.put(part, weight);
      }
      return new Weights(all);
    }

    /// The weight of a part's routers.
    public double of(Part part) {
      return byPart.getOrDefault(part, 0.0);
    }
  }
}
