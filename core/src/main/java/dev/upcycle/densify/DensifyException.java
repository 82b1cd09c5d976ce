package dev.upcycle.densify;

/// A model that cannot become dense as it was asked.
public final class DensifyException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /// @param message what, where, expected, actual, remedy
  public DensifyException(String message) {
    super(message);
  }
}
