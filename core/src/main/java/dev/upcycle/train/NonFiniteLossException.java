package dev.upcycle.train;

/// A step's loss or gradients are not finite; nothing was changed by that step.
public final class NonFiniteLossException extends RuntimeException {
  private static final long serialVersionUID = 1;

  public NonFiniteLossException(String message) {
    super(message);
  }
}
