package dev.upcycle.train;

/// What one part of a model, such as its decoder, needs in a step of training.
///
/// A part of which nothing trains has no gradients, and nothing of it is kept for a backward pass:
/// give 0 for `trained` and `kept`.
///
/// @param name of the part
/// @param elements numbers in its weights
/// @param trained of them that train
/// @param kept bytes of activations that a micro-batch keeps from forward to backward
/// @param passing the most bytes that one layer's work takes on top of them
/// @param logits bytes of the chunk of logits; 0 where the part has no head
public record ComponentMemory(
    String name, long elements, long trained, long kept, long passing, long logits) {
  /// Refuses what is below 0 and more that trains than there is.
  public ComponentMemory {
    if (trained < 0 || trained > elements || kept < 0 || passing < 0 || logits < 0) {
      throw new IllegalArgumentException(
          "%s: %d of %d numbers train, %d bytes kept, %d passing, %d of logits"
              .formatted(name, trained, elements, kept, passing, logits));
    }
  }
}
