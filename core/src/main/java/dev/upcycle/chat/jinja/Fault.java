package dev.upcycle.chat.jinja;

/// What is wrong with a value or an operation, before anyone has said where.
final class Fault extends RuntimeException {
  private static final long serialVersionUID = 1L;

  Fault(String message) {
    super(message, null, false, false);
  }

  /// Something that Jinja knows and this interpreter does not.
  static Fault notCovered(String what) {
    return new Fault(what + " is not covered here");
  }
}
