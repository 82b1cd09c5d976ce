package dev.upcycle.kernels;

/// LibTorch refused an operation, or native memory or a device was asked for wrongly.
///
/// The message names the operation and carries LibTorch's first lines without its C++ backtrace.
public sealed class KernelException extends RuntimeException
    permits KernelMemoryException, UnreadableFileException {
  private static final long serialVersionUID = 1L;

  /// A fault that this module found itself.
  public KernelException(String message) {
    super(message);
  }

  /// A fault that LibTorch reported.
  public KernelException(String message, Throwable cause) {
    super(message, cause);
  }
}
