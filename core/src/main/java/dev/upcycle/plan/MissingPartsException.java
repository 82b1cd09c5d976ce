package dev.upcycle.plan;

/// The parts that were named are not all that a model of several parts has.
public final class MissingPartsException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /// @param message what is missing and how to name it
  MissingPartsException(String message) {
    super(message);
  }
}
