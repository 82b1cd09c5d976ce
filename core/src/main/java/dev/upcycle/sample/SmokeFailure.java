package dev.upcycle.sample;

/// A stage of a smoke run did not do what it must; never leaves this package.
final class SmokeFailure extends RuntimeException {
  private static final long serialVersionUID = 1;

  SmokeFailure(String message) {
    super(message);
  }
}
