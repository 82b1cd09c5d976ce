package dev.upcycle.train;

import java.util.LinkedHashMap;
import java.util.SequencedMap;

/// What a stage's validation found: the mean cross-entropy over the learned tokens of each source.
///
/// @param sources by the names of their files, at least one
public record ValidationLoss(SequencedMap<String, Double> sources) {
  /// Takes a copy; refuses an empty one.
  public ValidationLoss {
    sources = new LinkedHashMap<>(sources);
    if (sources.isEmpty()) {
      throw new IllegalArgumentException("nothing was measured");
    }
  }

  /// The mean over sources, each of which counts the same.
  public double mean() {
    return sources.values().stream().mapToDouble(Double::doubleValue).average().orElseThrow();
  }
}
