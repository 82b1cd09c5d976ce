package dev.upcycle.checkpoint;

import java.nio.file.Path;

/// A tensor of a checkpoint and where its bytes lie.
///
/// @param spec name, dtype and shape
/// @param file the file that holds it
/// @param offset where its first byte lies, from the start of the file
public record TensorEntry(TensorSpec spec, Path file, long offset) {
  /// Refuses negative offsets.
  public TensorEntry {
    if (offset < 0) {
      throw new IllegalArgumentException("negative offset " + offset + " of " + spec.name());
    }
  }

  /// The tensor's name.
  public String name() {
    return spec.name();
  }

  /// Element type.
  public DType dtype() {
    return spec.dtype();
  }

  /// Dimensions.
  public Shape shape() {
    return spec.shape();
  }

  /// Bytes of the tensor's data.
  public long bytes() {
    return spec.bytes();
  }
}
