package dev.upcycle.recipe;

/// The experts of a layer.
///
/// @param count experts per layer
/// @param perToken experts that one token uses (top-k)
/// @param init where their weights come from
public record Experts(int count, int perToken, ExpertInit init) {
  /// Refuses fewer than one expert, and a token that uses more experts than there are.
  public Experts {
    if (count < 1 || perToken < 1 || perToken > count) {
      throw new IllegalArgumentException("per_token " + perToken + " of " + count + " experts");
    }
  }
}
