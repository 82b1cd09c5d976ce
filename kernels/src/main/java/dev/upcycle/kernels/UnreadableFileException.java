package dev.upcycle.kernels;

/// A file of tensors cannot be mapped.
public final class UnreadableFileException extends KernelException {
  private static final long serialVersionUID = 1L;

  /// @param message which file, and why
  public UnreadableFileException(String message) {
    super(message);
  }

  /// @param message which file, and why
  public UnreadableFileException(String message, Throwable cause) {
    super(message, cause);
  }
}
