package dev.upcycle.checkpoint;

/// What a tensor is called and looks like, without where its bytes lie.
///
/// @param name the Hugging Face name, such as `model.layers.0.mlp.gate_proj.weight`
/// @param dtype element type
/// @param shape dimensions
public record TensorSpec(String name, DType dtype, Shape shape) {
  /// Bytes of the tensor's data.
  public long bytes() {
    return shape.bytes(dtype);
  }
}
