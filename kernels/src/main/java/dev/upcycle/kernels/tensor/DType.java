package dev.upcycle.kernels.tensor;

import org.bytedeco.pytorch.global.torch.ScalarType;

/// The element types that tensors here can have.
public enum DType {
  F32(4, ScalarType.Float),
  F64(8, ScalarType.Double),
  BF16(2, ScalarType.BFloat16),
  F16(2, ScalarType.Half),
  I64(8, ScalarType.Long),
  I32(4, ScalarType.Int),
  I16(2, ScalarType.Short),
  I8(1, ScalarType.Char),
  U8(1, ScalarType.Byte),
  BOOL(1, ScalarType.Bool);

  private final int bytes;
  private final ScalarType scalarType;

  DType(int bytes, ScalarType scalarType) {
    this.bytes = bytes;
    this.scalarType = scalarType;
  }

  /// Bytes of one element.
  public int bytes() {
    return bytes;
  }

  /// Whether arithmetic in this type rounds more coarsely than float32.
  public boolean isReduced() {
    return this == BF16 || this == F16;
  }

  ScalarType scalarType() {
    return scalarType;
  }
}
