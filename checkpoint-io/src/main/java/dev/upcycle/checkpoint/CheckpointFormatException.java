package dev.upcycle.checkpoint;

/// A model file is unreadable, corrupt or of a kind that is not supported.
///
/// The message says what is wrong, where, what was expected and what was found, and the way out.
public final class CheckpointFormatException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final CheckpointFault fault;

  public CheckpointFormatException(CheckpointFault fault, String message) {
    super(message);
    this.fault = fault;
  }

  public CheckpointFormatException(CheckpointFault fault, String message, Throwable cause) {
    super(message, cause);
    this.fault = fault;
  }

  /// Which of the ways of being wrong it is.
  public CheckpointFault fault() {
    return fault;
  }
}
