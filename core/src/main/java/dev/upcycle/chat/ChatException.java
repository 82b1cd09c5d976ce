package dev.upcycle.chat;

/// A chat template is missing or cannot be read, or a conversation does not fit its template.
public final class ChatException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public ChatException(String message) {
    super(message);
  }

  public ChatException(String message, Throwable cause) {
    super(message, cause);
  }
}
