package dev.upcycle.cli.command;

/// The command line asks for something that cannot be, such as two options that exclude each other.
public final class UsageException extends RuntimeException {
  private static final long serialVersionUID = 1;

  public UsageException(String message) {
    super(message);
  }
}
