package dev.upcycle.train;

import dev.upcycle.arch.Dimensions;
import dev.upcycle.recipe.Stage;

/// The activations of a decoder, counted from the operations of its layers: a layer's scope holds
/// all that it makes until the layer ends, and the graph keeps of that what the backward pass
/// reads.
///
/// @param sizes of the decoder
/// @param compute how it computes
/// @param rows of a micro-batch
/// @param seq tokens of a row
record DecoderMemory(Dimensions sizes, Stage.Computation compute, long rows, long seq) {
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

  /// Of these, what was gathered and the results in the order of tokens stay.
  private static final long KEPT_ASSIGNED_COPIES = 2;

  /// Of queries: turned, what attention gives, and that in the order of tokens, which is a copy in
  /// some layouts.
  private static final double KEPT_QUERIES = 2.5;

  /// Of the stream: each norm's numbers before and after its weight, the inputs of both halves.
  private static final long KEPT_STREAMS = 6;

  /// Whether two tokens are of one text, and the scores that are added: a byte and a float.
  private static final long MASK_BYTES = 1 + Float.BYTES;

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
    long tokens = tokens();
    long layer = Math.multiplyExact(tokens, layerBytes());
    long stream = Math.multiplyExact(tokens, width() * sizes.hidden());
    long ends = Math.multiplyExact(tokens, 2 * normBytes());
    long backward =
        Math.multiplyExact(tokens, backwardBytes()) + ADDED_GRADIENTS * width() * largest;
    return switch (compute.recomputation()) {
      case NONE ->
          new ComponentMemory(
              "decoder",
              elements,
              trained,
              sizes.layers() * Math.multiplyExact(tokens, keptBytes()) + ends + mask(),
              backward,
              logits());
      case LAYERS ->
          new ComponentMemory(
              "decoder",
              elements,
              trained,
              sizes.layers() * stream + ends + mask(),
              layer + backward,
              logits());
    };
  }

  private long tokens() {
    return Math.multiplyExact(rows, seq);
  }

  /// Of rows that hold several texts, as they may.
  private long mask() {
    return Math.multiplyExact(Math.multiplyExact(tokens(), seq), MASK_BYTES);
  }

  /// Of a token in a layer, from its forward to its backward pass.
  private long keptBytes() {
    long queries = sizes.heads() * sizes.headDim();
    long keys = sizes.kvHeads() * sizes.headDim();
    long attended = reduced() ? Float.BYTES : width();
    double attention = attended * (KEPT_QUERIES * queries + 2.0 * keys);
    long wide = reduced() ? 2L * Float.BYTES * sizes.hidden() : 0;
    long gathered =
        sizes.experts() > 1 ? KEPT_ASSIGNED_COPIES * sizes.hidden() * sizes.expertsPerToken() : 0;
    return width() * (KEPT_STREAMS * sizes.hidden() + inner() * INNER_COPIES + gathered)
        + wide
        + Math.round(attention);
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
    return Math.min(tokens(), CHUNK_TOKENS) * sizes.vocab() * (LOGIT_COPIES * Float.BYTES + narrow);
  }
}
