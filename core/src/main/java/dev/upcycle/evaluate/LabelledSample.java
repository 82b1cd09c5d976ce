package dev.upcycle.evaluate;

import dev.upcycle.kernels.tensor.Tensor;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A conversation as a model reads it.
///
/// @param ids with a place for each feature of its images
/// @param labels the id itself where it is learned, else a negative number; as many as ids
/// @param pixels of its images; null where it has none
public record LabelledSample(List<Long> ids, List<Long> labels, @Nullable Tensor pixels) {
  /// Takes copies.
  public LabelledSample {
    ids = List.copyOf(ids);
    labels = List.copyOf(labels);
    if (ids.size() != labels.size() || ids.isEmpty()) {
      throw new IllegalArgumentException(
          "%d ids and %d labels".formatted(ids.size(), labels.size()));
    }
  }
}
