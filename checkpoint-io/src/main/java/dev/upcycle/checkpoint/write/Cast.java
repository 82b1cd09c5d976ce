package dev.upcycle.checkpoint.write;

import dev.upcycle.checkpoint.DType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.Set;

/// Conversion of elements between floating-point types, rounded once, to nearest, ties to even
/// (IEEE 754, section 4.3.1).
///
/// A NaN stays a NaN; which one is not laid down. F64 to a 16-bit type is rounded once too, where
/// torch rounds to F32 in between. Only F64, F32, BF16 and F16 are ever cast.
///
/// @param from element type of the source
/// @param to element type of the result
public record Cast(DType from, DType to) {
  private static final Set<DType> FLOATS = Set.of(DType.F64, DType.F32, DType.BF16, DType.F16);

  /// Refuses pairs that [#possible] does not allow.
  public Cast {
    if (!possible(from, to)) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT, "%s is not cast to %s: only F64, F32, BF16 and F16 are cast", from, to));
    }
  }

  /// True when both are floating-point types of 16 bits or more.
  public static boolean possible(DType from, DType to) {
    return FLOATS.contains(from) && FLOATS.contains(to);
  }

  /// Bytes of one element of the source.
  public int fromBytes() {
    return from.bits() / Byte.SIZE;
  }

  /// Bytes of one element of the result.
  public int toBytes() {
    return to.bits() / Byte.SIZE;
  }

  /// Casts all elements that remain in `source`, little-endian, to `target`, whose positions both
  /// advance.
  ///
  /// @return position in this run, counted from 0, of the first finite element that became infinite
  public OptionalInt apply(ByteBuffer source, ByteBuffer target) {
    ByteBuffer in = source.slice().order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer out = target.slice().order(ByteOrder.LITTLE_ENDIAN);
    int elements = in.remaining() / fromBytes();
    int first = from == DType.F64 ? fromDoubles(in, out) : fromFloats(in, out);
    source.position(source.position() + elements * fromBytes());
    target.position(target.position() + elements * toBytes());
    return first < 0 ? OptionalInt.empty() : OptionalInt.of(first);
  }

  private int fromDoubles(ByteBuffer in, ByteBuffer out) {
    int first = -1;
    int elements = in.remaining() / Double.BYTES;
    for (int i = 0; i < elements; i++) {
      double value = in.getDouble();
      boolean infinite;
      if (to == DType.F64) {
        out.putDouble(value);
        infinite = false;
      } else if (to == DType.F32) {
        out.putFloat((float) value);
        infinite = Float.isInfinite((float) value);
      } else {
        infinite = putFloat(out, roundToOdd(value));
      }
      if (infinite && first < 0 && Double.isFinite(value)) {
        first = i;
      }
    }
    return first;
  }

  private int fromFloats(ByteBuffer in, ByteBuffer out) {
    int first = -1;
    int elements = in.remaining() / fromBytes();
    for (int i = 0; i < elements; i++) {
      float value = takeFloat(in);
      boolean infinite = putFloat(out, value);
      if (infinite && first < 0 && Float.isFinite(value)) {
        first = i;
      }
    }
    return first;
  }

  private float takeFloat(ByteBuffer in) {
    if (from == DType.F32) {
      return in.getFloat();
    }
    short bits = in.getShort();
    return from == DType.BF16 ? Float.intBitsToFloat(bits << 16) : Float.float16ToFloat(bits);
  }

  /// Appends the value in the result's type and says whether it is infinite there.
  private boolean putFloat(ByteBuffer out, float value) {
    if (to == DType.F64) {
      out.putDouble(value);
      return false;
    }
    if (to == DType.F32) {
      out.putFloat(value);
      return Float.isInfinite(value);
    }
    boolean brain = to == DType.BF16;
    short bits = brain ? toBrain(value) : Float.floatToFloat16(value);
    out.putShort(bits);
    return (bits & 0x7fff) == (brain ? 0x7f80 : 0x7c00);
  }

  private static short toBrain(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      // Keeps sign and payload and sets the quiet bit: truncation alone could leave an infinity.
      return (short) ((bits >>> 16) | 0x40);
    }
    int roundingBias = 0x7fff + ((bits >>> 16) & 1);
    return (short) ((bits + roundingBias) >>> 16);
  }

  /// The double as a float whose last bit is set when the value lies between two floats.
  ///
  /// Rounding to odd keeps what the next rounding to at most 22 bits needs, so that the two
  /// together round once (Boldo and Melquiond, "When double rounding is odd", 2005).
  private static float roundToOdd(double value) {
    float nearest = (float) value;
    if (nearest == value || Double.isNaN(value)) {
      return nearest;
    }
    float towardsZero = nearest;
    if (Math.abs((double) nearest) > Math.abs(value)) {
      towardsZero = Float.intBitsToFloat(Float.floatToRawIntBits(nearest) - 1);
    }
    return Float.intBitsToFloat(Float.floatToRawIntBits(towardsZero) | 1);
  }
}
