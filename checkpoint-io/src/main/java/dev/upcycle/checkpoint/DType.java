package dev.upcycle.checkpoint;

import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/// An element type of a tensor, in the order in which the safetensors crate ranks them (ascending
/// alignment).
///
/// The declaration order is part of the file format: the canonical writer sorts tensors by dtype,
/// last constant first (safetensors crate, `tensor.rs`, `enum Dtype`).
public enum DType {
  BOOL(8),
  F4(4),
  F6_E2M3(6),
  F6_E3M2(6),
  U8(8),
  I8(8),
  F8_E5M2(8),
  F8_E4M3(8),
  F8_E8M0(8),
  F8_E4M3FNUZ(8),
  F8_E5M2FNUZ(8),
  I16(16),
  U16(16),
  F16(16),
  BF16(16),
  I32(32),
  U32(32),
  F32(32),
  C64(64),
  F64(64),
  I64(64),
  U64(64);

  private static final Map<String, DType> BY_SPELLING =
      Arrays.stream(values()).collect(Collectors.toUnmodifiableMap(DType::name, dtype -> dtype));

  private final int bits;

  DType(int bits) {
    this.bits = bits;
  }

  /// Bits of one element.
  public int bits() {
    return bits;
  }

  /// Finds the dtype of this safetensors spelling, such as `BF16`; spellings are case-sensitive.
  public static Optional<DType> find(String spelling) {
    return Optional.ofNullable(BY_SPELLING.get(spelling));
  }
}
