package dev.upcycle.kernels.tensor;

import java.lang.foreign.MemorySegment;

/// What OpenBLAS calls to have a product's parts run: its `void callback(int sync, void (*run)(int,
/// void *, int), int parts, size_t size, void *first, int extra)`.
@FunctionalInterface
interface BlasCallback {
  /// Runs the parts of one product and returns when all are done.
  ///
  /// @param sync whether to wait; OpenBLAS always asks to
  /// @param run runs one part
  /// @param parts how many there are
  /// @param size bytes from one part's data to the next
  /// @param first data of the first part
  /// @param extra handed to `run` as it is
  void multiply(int sync, MemorySegment run, int parts, long size, MemorySegment first, int extra);
}
