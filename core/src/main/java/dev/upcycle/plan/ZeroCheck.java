package dev.upcycle.plan;

import dev.upcycle.checkpoint.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Looks whether floating-point bytes are all zero; a negative zero is a zero.
final class ZeroCheck {
  private ZeroCheck() {}

  static boolean zero(MemorySegment bytes, DType dtype) {
    long mask = magnitude(dtype);
    long words = bytes.byteSize() / Long.BYTES;
    for (long word = 0; word < words; word++) {
      if ((bytes.get(ValueLayout.JAVA_LONG_UNALIGNED, word * Long.BYTES) & mask) != 0) {
        return false;
      }
    }
    for (long at = words * Long.BYTES; at < bytes.byteSize(); at++) {
      int shift = (int) (at % Long.BYTES) * Byte.SIZE;
      if ((bytes.get(ValueLayout.JAVA_BYTE, at) & (mask >>> shift) & 0xff) != 0) {
        return false;
      }
    }
    return true;
  }

  /// The bits of a little-endian word that are not signs.
  private static long magnitude(DType dtype) {
    return switch (dtype) {
      case F64 -> 0x7fff_ffff_ffff_ffffL;
      case F32 -> 0x7fff_ffff_7fff_ffffL;
      case F16, BF16 -> 0x7fff_7fff_7fff_7fffL;
      case BOOL,
          F4,
          F6_E2M3,
          F6_E3M2,
          U8,
          I8,
          F8_E5M2,
          F8_E4M3,
          F8_E8M0,
          F8_E4M3FNUZ,
          F8_E5M2FNUZ,
          I16,
          U16,
          I32,
          U32,
          C64,
          I64,
          U64 ->
          -1L;
    };
  }
}
