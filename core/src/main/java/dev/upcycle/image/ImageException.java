package dev.upcycle.image;

/// An image file is missing, corrupt, too large or of a kind that is not read.
///
/// The message names the file, what was expected, what was found, and the way out.
public final class ImageException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public ImageException(String message) {
    super(message);
  }

  public ImageException(String message, Throwable cause) {
    super(message, cause);
  }
}
