package dev.upcycle.text;

/// The machine lacks what a model needs: LibTorch, or a device.
public final class ResourceShortage extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public ResourceShortage(String message, Throwable cause) {
    super(message, cause);
  }

  public ResourceShortage(String message) {
    super(message);
  }
}
