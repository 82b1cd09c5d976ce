package dev.upcycle.checkpoint;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/// The dimensions of a tensor, outermost first; the empty shape is a scalar of one element.
///
/// A dimension is an unsigned 64-bit number, as in the file format. One past 2^63 - 1 is a negative
/// `long` here and is possible only beside a dimension of zero, in a tensor without elements.
public record Shape(List<Long> dimensions) {
  /// Refuses negative dimensions in a shape that has elements.
  public Shape {
    dimensions = List.copyOf(dimensions);
    for (long dimension : dimensions) {
      if (dimension < 0 && !dimensions.contains(0L)) {
        throw new IllegalArgumentException("negative dimension in shape " + dimensions);
      }
    }
  }

  /// The shape with these dimensions.
  public static Shape of(long... dimensions) {
    return new Shape(Arrays.stream(dimensions).boxed().toList());
  }

  /// Number of dimensions.
  public int rank() {
    return dimensions.size();
  }

  /// The size of one dimension; a negative axis counts from the end.
  public long dimension(int axis) {
    return dimensions.get(axis < 0 ? axis + rank() : axis);
  }

  /// Number of elements.
  ///
  /// @throws ArithmeticException when the product, taken from the left, passes 2^63 - 1
  public long elements() {
    long elements = 1;
    for (long dimension : dimensions) {
      elements = Math.unsignedMultiplyExact(elements, dimension);
    }
    if (elements < 0) {
      throw new ArithmeticException("more than 2^63 - 1 elements in shape " + this);
    }
    return elements;
  }

  /// Bytes that this many elements of the dtype take; sub-byte dtypes must fill whole bytes.
  ///
  /// @throws ArithmeticException when the count passes 2^63 bits or does not fill whole bytes
  public long bytes(DType dtype) {
    long bits = Math.multiplyExact(elements(), (long) dtype.bits());
    if (bits % 8 != 0) {
      throw new ArithmeticException(this + " of " + dtype + " does not fill whole bytes");
    }
    return bits / 8;
  }

  /// As users write it: `[32000, 4096]`.
  @Override
  public String toString() {
    return dimensions.stream()
        .map(Long::toUnsignedString)
        .collect(Collectors.joining(", ", "[", "]"));
  }
}
