package dev.upcycle.checkpoint.write;

/// The output directory may not be used as asked: not empty, inside the source, or not what a
/// resume expects.
public final class OutputException extends RuntimeException {
  private static final long serialVersionUID = 1;

  public OutputException(String message) {
    super(message);
  }

  public OutputException(String message, Throwable cause) {
    super(message, cause);
  }
}
