package dev.upcycle.train;

import dev.upcycle.arch.Dimensions;
import dev.upcycle.recipe.Stage;

/// The activations of a decoder, counted from the operations of its layers: a scope holds what they
/// make until a micro-batch ends.
///
/// @param sizes of the decoder
/// @param compute how it computes
/// @param tokens of a micro-batch
record DecoderMemory(Dimensions sizes, Stage.Computation compute, long tokens) {
  /// As the cross-entropy is computed.
  private static final long CHUNK_TOKENS = 512;

  /// Square, product with the scale, product with the weight; in bfloat16 the wide input and the
  /// rounded product too.
  private static final long NORM_WIDE_COPIES = 2;

  /// Of queries and of keys: turned halves, their concatenation, two products, their sum.
  private static final double ROTATION_COPIES = 4.5;

  /// Gate, up, activation, product.
  private static final long INNER_COPIES = 4;

  /// Of a token's assignments: gathered, their experts' results, these concatenated, in the order
  /// of tokens, weighted.
  private static final long ASSIGNED_COPIES = 5;

  /// Of the embedding, that are added to the gradient collected so far: one as the head's, one as
  /// the embedding's own.
  private static final long ADDED_GRADIENTS = 2;

  /// Logits, their wide copy's log-softmax, its derivative, that of the logits.
  private static final long LOGIT_COPIES = 3;

  /// What the decoder needs.
  ///
  /// @param elements numbers in its weights
  /// @param trained of them that train
  /// @param largest numbers of the largest tensor that trains
  ComponentMemory of(long elements, long trained, long largest) {
    long layer = Math.multiplyExact(tokens, layerBytes());
    long stream = Math.multiplyExact(tokens, width() * sizes.hidden());
    long ends = Math.multiplyExact(tokens, 2 * normBytes());
    long backward =
        Math.multiplyExact(tokens, backwardBytes()) + ADDED_GRADIENTS * width() * largest;
    return switch (compute.recomputation()) {
      case NONE ->
          new ComponentMemory(
              "decoder", elements, trained, sizes.layers() * layer + ends, backward, logits());
      case LAYERS ->
          new ComponentMemory(
              "decoder",
              elements,
              trained,
              sizes.layers() * stream + ends,
              layer + backward,
              logits());
    };
  }

  private long width() {
    return switch (compute.precision()) {
      case F32 -> Float.BYTES;
      case BF16 -> Short.BYTES;
    };
  }

  private boolean reduced() {
    return width() != Float.BYTES;
  }

  private long normBytes() {
    long wide = NORM_WIDE_COPIES + (reduced() ? 1 : 0);
    long narrow = reduced() ? 2 : 1;
    return sizes.hidden() * (wide * Float.BYTES + narrow * width());
  }

  /// Of a token in a layer.
  private long layerBytes() {
    long queries = sizes.heads() * sizes.headDim();
    long keys = sizes.kvHeads() * sizes.headDim();
    double attention =
        width() * (queries + 2.0 * keys + ROTATION_COPIES * (queries + keys) + 2.0 * queries);
    long wide = reduced() ? Float.BYTES * (2 * queries + 2 * keys) : 0;
    long block = width() * inner() * INNER_COPIES + width() * assigned();
    long residual = 3 * width() * sizes.hidden();
    return 2 * normBytes() + Math.round(attention) + wide + block + residual;
  }

  private long inner() {
    return sizes.intermediate() * sizes.expertsPerToken();
  }

  private long assigned() {
    return sizes.experts() > 1 ? ASSIGNED_COPIES * sizes.hidden() * sizes.expertsPerToken() : 0;
  }

  /// Derivatives of a layer that exist at once.
  private long backwardBytes() {
    return width() * (3 * inner() + 4 * sizes.hidden());
  }

  private long logits() {
    long narrow = reduced() ? 2 * width() : 0;
    return Math.min(tokens, CHUNK_TOKENS) * sizes.vocab() * (LOGIT_COPIES * Float.BYTES + narrow);
  }
}
