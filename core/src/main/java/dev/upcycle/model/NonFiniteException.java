package dev.upcycle.model;

import java.nio.file.Path;

/// A model computed NaN or infinity where a number belongs: its weights hold such values, or what
/// they compute overflows.
public final class NonFiniteException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /// @param model its directory
  /// @param what which number, at which place
  public NonFiniteException(Path model, String what) {
    super(
        "%s: %s; its weights hold NaN or infinity, or they overflow in the type computed in"
            .formatted(model, what));
  }
}
