package dev.upcycle.checkpoint.write;

/// The machine cannot do it now: disk full, read-only target, lock held by another run.
public final class ResourceException extends RuntimeException {
  private static final long serialVersionUID = 1;

  public ResourceException(String message) {
    super(message);
  }

  public ResourceException(String message, Throwable cause) {
    super(message, cause);
  }
}
