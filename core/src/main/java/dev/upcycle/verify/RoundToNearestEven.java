package dev.upcycle.verify;

import dev.upcycle.checkpoint.DType;
import java.nio.ByteBuffer;
import java.util.Optional;

/// The verifier's own floating-point casts: to the nearest value, a tie to the even one (IEEE 754,
/// section 4.3.1).
///
/// Written apart from the casts of the conversion, and by another method (scaled so that the last
/// kept bit is the unit, then rounded to a whole number), so that one cannot hide a mistake of the
/// other. Every source type widens to float64 without rounding, so there is one rounding only.
final class RoundToNearestEven {
  /// A binary interchange format: how many bits of an element are its exponent and its fraction.
  private enum Layout {
    F32(8, 23),
    BF16(8, 7),
    F16(5, 10);

    private final int fraction;
    private final int leastExponent;
    private final long infinity;

    Layout(int exponent, int fraction) {
      this.fraction = fraction;
      this.leastExponent = 2 - (1 << (exponent - 1));
      this.infinity = ((1L << exponent) - 1) << fraction;
    }

    private static Optional<Layout> find(DType dtype) {
      for (Layout layout : values()) {
        if (layout.name().equals(dtype.name())) {
          return Optional.of(layout);
        }
      }
      return Optional.empty();
    }

    /// The bits of the nearest value.
    private long encode(double value) {
      long sign = Double.doubleToRawLongBits(value) < 0 ? infinity + (1L << fraction) : 0;
      if (Double.isNaN(value)) {
        return sign | infinity | 1L << (fraction - 1);
      }
      double magnitude = Math.abs(value);
      int exponent = Math.max(Math.getExponent(magnitude), leastExponent);
      if (Double.isInfinite(value)) {
        return sign | infinity;
      }
      long units = (long) Math.rint(Math.scalb(magnitude, fraction - exponent));
      // The unit bit of a normal value is not stored: it adds one to the exponent instead, and so
      // does a carry out of the fraction.
      long bits = ((long) (exponent - leastExponent) << fraction) + units;
      return sign | Math.min(bits, infinity);
    }
  }

  private RoundToNearestEven() {}

  /// True when a cast between these types is known.
  static boolean knows(DType from, DType to) {
    return isFloat(from) && Layout.find(to).isPresent();
  }

  /// True for the types that a cast reads.
  static boolean isFloat(DType dtype) {
    return dtype == DType.F64 || Layout.find(dtype).isPresent();
  }

  /// Casts everything that remains in a buffer into another, both little-endian; both positions
  /// stay.
  static void cast(ByteBuffer from, DType fromType, ByteBuffer to, DType toType) {
    Layout layout =
        Layout.find(toType)
            .orElseThrow(() -> new IllegalArgumentException("no cast leads to " + toType));
    int width = fromType.bits() / Byte.SIZE;
    int elements = from.remaining() / width;
    int target = to.position();
    for (int element = 0; element < elements; element++) {
      long bits = layout.encode(read(from, from.position() + element * width, fromType));
      if (toType == DType.F32) {
        to.putInt(target, (int) bits);
        target += Integer.BYTES;
      } else {
        to.putShort(target, (short) bits);
        target += Short.BYTES;
      }
    }
  }

  /// The value of one element.
  static double read(ByteBuffer buffer, int offset, DType dtype) {
    if (dtype == DType.F64) {
      return buffer.getDouble(offset);
    }
    if (dtype == DType.F32) {
      return buffer.getFloat(offset);
    }
    short bits = buffer.getShort(offset);
    return dtype == DType.BF16
        ? Float.intBitsToFloat(bits << Short.SIZE)
        : Float.float16ToFloat(bits);
  }
}
