package dev.upcycle.checkpoint;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/// A tensor of a checkpoint and where its bytes lie.
///
/// @param spec name, dtype and shape
/// @param file the file that holds it
/// @param offset where its first element lies, from the start of the file
/// @param strides how many elements of the file lie between two neighbours along each dimension;
///   empty when the elements follow one another in row-major order, and never another spelling of
///   that
public record TensorEntry(TensorSpec spec, Path file, long offset, List<Long> strides) {
  /// Refuses negative numbers; drops strides that say row-major.
  public TensorEntry {
    if (offset < 0) {
      throw new IllegalArgumentException("negative offset " + offset + " of " + spec.name());
    }
    strides = rowMajor(spec.shape(), strides) ? List.of() : List.copyOf(strides);
  }

  /// A tensor whose elements follow one another in row-major order.
  public TensorEntry(TensorSpec spec, Path file, long offset) {
    this(spec, file, offset, List.of());
  }

  private static boolean rowMajor(Shape shape, List<Long> strides) {
    if (strides.isEmpty() || shape.dimensions().contains(0L)) {
      return true;
    }
    if (strides.size() != shape.rank() || strides.stream().anyMatch(stride -> stride < 0)) {
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "strides %s of a tensor %s", strides, shape));
    }
    long expected = 1;
    for (int axis = shape.rank() - 1; axis >= 0; axis--) {
      if (shape.dimension(axis) != 1 && strides.get(axis) != expected) {
        return false;
      }
      expected = Math.multiplyExact(expected, shape.dimension(axis));
    }
    return true;
  }

  /// Whether its [#bytes()] from [#offset()] on are the tensor; when not, [GatheredTensor] reads
  /// it.
  public boolean contiguous() {
    return strides.isEmpty();
  }

  /// The bytes of the file from its first element to the end of its last.
  public long extent() {
    if (contiguous()) {
      return bytes();
    }
    long last = 0;
    for (int axis = 0; axis < strides.size(); axis++) {
      last =
          Math.addExact(last, Math.multiplyExact(shape().dimension(axis) - 1, strides.get(axis)));
    }
    return Math.multiplyExact(Math.addExact(last, 1), (long) dtype().bits() / Byte.SIZE);
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
