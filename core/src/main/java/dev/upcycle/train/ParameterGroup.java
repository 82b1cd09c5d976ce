package dev.upcycle.train;

import dev.upcycle.kernels.tensor.Tensor;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.SequencedMap;

/// Parameters that move alike.
///
/// @param rate peak learning rate, above 0
/// @param decay weight decay
/// @param parameters by name
public record ParameterGroup(double rate, double decay, SequencedMap<String, Tensor> parameters) {
  /// Takes a copy that keeps the order.
  public ParameterGroup {
    parameters = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(parameters));
  }
}
