package dev.upcycle.kernels;

/// LibTorch found no memory for a tensor, on the processor or on a device.
public final class KernelMemoryException extends KernelException {
  private static final long serialVersionUID = 1L;

  /// @param message the operation, and what the allocator said
  public KernelMemoryException(String message) {
    super(message);
  }
}
