package dev.upcycle.evaluate;

/// How a text longer than a model's context is cut.
///
/// @param context most tokens that the model sees at once
/// @param stride how far one window begins after the one before
public record Strides(int context, int stride) {
  /// Refuses a context without a prediction, and a stride that would pass tokens over.
  public Strides {
    if (context < 2 || stride < 1 || stride > context) {
      throw new IllegalArgumentException(
          "context must be at least 2 and stride within [1, context], not %d and %d"
              .formatted(context, stride));
    }
  }
}
