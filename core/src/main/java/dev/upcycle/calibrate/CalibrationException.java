package dev.upcycle.calibrate;

/// No routers can be made of this data; says why and what to change.
public final class CalibrationException extends RuntimeException {
  private static final long serialVersionUID = 1;

  public CalibrationException(String message) {
    super(message);
  }

  public CalibrationException(String message, Throwable cause) {
    super(message, cause);
  }
}
