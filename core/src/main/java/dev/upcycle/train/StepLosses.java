package dev.upcycle.train;

import dev.upcycle.recipe.Part;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.SequencedMap;

/// What a step measured, each loss as it is before its weight.
///
/// @param total what was minimised
/// @param crossEntropy mean over the learned tokens
/// @param routers of the parts that have any
public record StepLosses(
    double total, double crossEntropy, SequencedMap<Part, RouterMeasures> routers) {
  /// Takes a copy that keeps the order.
  public StepLosses {
    routers = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(routers));
  }

  /// The largest share of the choices that an expert has in any layer; 0 without routers.
  public double largestShare() {
    return routers.values().stream()
        .flatMap(part -> part.shares().stream())
        .mapToDouble(Double::doubleValue)
        .max()
        .orElse(0);
  }
}
