package dev.upcycle.kernels.tensor;

/// What attention reads.
///
/// @param query `[batch, heads, queries, headDim]`
/// @param key `[batch, kvHeads, keys, headDim]`
/// @param value `[batch, kvHeads, keys, headDim]`
public record AttentionInputs(Tensor query, Tensor key, Tensor value) {
  /// All three in another element type.
  public AttentionInputs to(DType dtype) {
    return new AttentionInputs(query.to(dtype), key.to(dtype), value.to(dtype));
  }
}
