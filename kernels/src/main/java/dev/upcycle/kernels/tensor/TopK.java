package dev.upcycle.kernels.tensor;

/// The largest elements of a dimension and where they were.
///
/// @param values the elements, largest first
/// @param indices their places, integers
public record TopK(Tensor values, Tensor indices) {}
