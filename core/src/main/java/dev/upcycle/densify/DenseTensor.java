package dev.upcycle.densify;

import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.checkpoint.TensorSpec;
import java.util.List;

/// A tensor of the dense model and what the model of experts holds in its place.
///
/// @param target under the name that the dense model had for it
/// @param copies at least one, all of its shape and dtype; experts in their order
/// @param experts whether the copies are experts, which training may have parted
record DenseTensor(TensorSpec target, List<TensorEntry> copies, boolean experts) {
  DenseTensor {
    copies = List.copyOf(copies);
  }
}
