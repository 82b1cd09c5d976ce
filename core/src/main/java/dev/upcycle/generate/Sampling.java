package dev.upcycle.generate;

/// How the next token is chosen.
public sealed interface Sampling {
  /// Always the likeliest; the first of equals.
  record Greedy() implements Sampling {}

  /// A draw from the likeliest tokens whose probabilities together reach `topP` (nucleus sampling,
  /// arXiv 1904.09751).
  ///
  /// @param temperature logits are divided by it; below 1 sharpens, above 1 flattens
  /// @param topP in (0, 1]; 1 keeps every token
  /// @param seed decides all draws
  record Nucleus(double temperature, double topP, long seed) implements Sampling {
    /// Refuses values out of range.
    public Nucleus {
      if (!(temperature > 0) || Double.isInfinite(temperature)) {
        throw new IllegalArgumentException(
            "temperature must be positive and finite, not " + temperature);
      }
      if (!(topP > 0 && topP <= 1)) {
        throw new IllegalArgumentException("top-p must be in (0, 1], not " + topP);
      }
    }
  }
}
