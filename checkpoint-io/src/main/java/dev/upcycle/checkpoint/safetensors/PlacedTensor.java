package dev.upcycle.checkpoint.safetensors;

import dev.upcycle.checkpoint.TensorSpec;

/// A tensor and where its bytes lie, from the start of the data.
///
/// @param begin first byte
/// @param end the byte after the last
record PlacedTensor(TensorSpec spec, long begin, long end) {
  String name() {
    return spec.name();
  }

  long bytes() {
    return end - begin;
  }
}
