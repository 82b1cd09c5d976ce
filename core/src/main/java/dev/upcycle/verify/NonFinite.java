package dev.upcycle.verify;

import dev.upcycle.checkpoint.DType;
import java.nio.ByteBuffer;

/// Counts values that are NaN or infinite.
final class NonFinite {
  private static final int F32_EXPONENT = 0x7f80_0000;
  private static final int BF16_EXPONENT = 0x7f80;
  private static final int F16_EXPONENT = 0x7c00;

  private NonFinite() {}

  /// The count in what remains of a little-endian buffer; 0 for types that have no such values
  /// here.
  static long count(ByteBuffer buffer, DType dtype) {
    if (dtype == DType.F32) {
      return words(buffer);
    }
    if (dtype == DType.BF16) {
      return halves(buffer, BF16_EXPONENT);
    }
    if (dtype == DType.F64) {
      return doubles(buffer);
    }
    return dtype == DType.F16 ? halves(buffer, F16_EXPONENT) : 0;
  }

  private static long doubles(ByteBuffer buffer) {
    int count = 0;
    for (int at = buffer.position(); at + Double.BYTES <= buffer.limit(); at += Double.BYTES) {
      count += Double.isFinite(buffer.getDouble(at)) ? 0 : 1;
    }
    return count;
  }

  private static long words(ByteBuffer buffer) {
    int count = 0;
    for (int at = buffer.position(); at + Integer.BYTES <= buffer.limit(); at += Integer.BYTES) {
      count += (buffer.getInt(at) & F32_EXPONENT) == F32_EXPONENT ? 1 : 0;
    }
    return count;
  }

  private static long halves(ByteBuffer buffer, int exponent) {
    int count = 0;
    for (int at = buffer.position(); at + Short.BYTES <= buffer.limit(); at += Short.BYTES) {
      count += (buffer.getShort(at) & exponent) == exponent ? 1 : 0;
    }
    return count;
  }
}
