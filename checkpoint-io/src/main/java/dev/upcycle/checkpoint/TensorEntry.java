package dev.upcycle.checkpoint;

import java.nio.file.Path;
import java.util.ArrayList;
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
    return Math.multiplyExact(Math.addExact(last, 1), width());
  }

  /// The same bytes under another name.
  public TensorEntry named(String other) {
    return new TensorEntry(new TensorSpec(other, dtype(), shape()), file, offset, strides);
  }

  /// Consecutive slices along its first dimension, where they lie: rows of a matrix.
  ///
  /// @param first index of the first
  /// @param count how many
  /// @throws IllegalArgumentException when it has no such slices, or elements of less than a byte
  public TensorEntry rows(long first, long count) {
    if (shape().rank() == 0
        || dtype().bits() % Byte.SIZE != 0
        || first < 0
        || count < 0
        || first > shape().dimension(0) - count) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT, "%s %s has no %d rows from %d", name(), shape(), count, first));
    }
    List<Long> sizes = new ArrayList<>(shape().dimensions());
    sizes.set(0, count);
    long before = Math.multiplyExact(Math.multiplyExact(first, steps().getFirst()), width());
    return new TensorEntry(
        new TensorSpec(name(), dtype(), new Shape(sizes)),
        file,
        Math.addExact(offset, before),
        strides);
  }

  /// The transposed matrix, over the same bytes.
  ///
  /// @throws IllegalArgumentException when it is no matrix, or has elements of less than a byte
  public TensorEntry transposed() {
    if (shape().rank() != 2 || dtype().bits() % Byte.SIZE != 0) {
      throw new IllegalArgumentException(name() + " " + shape() + " cannot be transposed");
    }
    return new TensorEntry(
        new TensorSpec(name(), dtype(), new Shape(shape().dimensions().reversed())),
        file,
        offset,
        steps().reversed());
  }

  /// Its strides, spelled out also where they say row-major.
  private List<Long> steps() {
    if (!contiguous()) {
      return strides;
    }
    Long[] steps = new Long[shape().rank()];
    long step = 1;
    for (int axis = steps.length - 1; axis >= 0; axis--) {
      steps[axis] = step;
      step = Math.multiplyExact(step, shape().dimension(axis));
    }
    return List.of(steps);
  }

  private long width() {
    return dtype().bits() / Byte.SIZE;
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
