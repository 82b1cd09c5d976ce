package dev.upcycle.kernels.parity;

import dev.upcycle.kernels.attention.AttentionPattern;
import dev.upcycle.kernels.attention.GroupedQueryAttention;
import dev.upcycle.kernels.attention.KvCache;
import dev.upcycle.kernels.attention.RopeScaling;
import dev.upcycle.kernels.attention.RotaryEmbedding;
import dev.upcycle.kernels.ffn.Activation;
import dev.upcycle.kernels.ffn.FeedForward;
import dev.upcycle.kernels.norm.Norm;
import dev.upcycle.kernels.tensor.Functions;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/// The blocks of decoders and vision towers.
final class BlockCases {
  private static final int BATCH = 2;
  private static final int SEQ = 24;
  private static final int HIDDEN = 64;
  private static final int INNER = 96;
  private static final int HEADS = 4;
  private static final int KV_HEADS = 2;
  private static final int HEAD = 16;
  private static final int WINDOW = 5;

  private BlockCases() {}

  static Stream<ParityCase> all() {
    return Stream.of(maps(), norms(), rotations(), attentions(), networks()).flatMap(all -> all);
  }

  private static Tensor tokens(Inputs in) {
    return in.leaf(1, BATCH, SEQ, HIDDEN);
  }

  private static Stream<ParityCase> maps() {
    return Stream.of(
            ParityCase.inBothTypes(
                "linear", in -> in.withGradients(in.map(INNER, HIDDEN).forward(tokens(in)))),
            ParityCase.inBothTypes(
                "embedding",
                in ->
                    in.withGradients(
                        Functions.embedding(in.leaf(1, 7, HIDDEN), in.integers(6, 0, 3, 3)))))
        .flatMap(cases -> cases);
  }

  private static Stream<ParityCase> norms() {
    return Stream.of(
            ParityCase.inBothTypes(
                "RMSNorm",
                in ->
                    in.withGradients(
                        new Norm.RmsNorm(in.leaf(1, HIDDEN), 1e-6).forward(tokens(in)))),
            ParityCase.inBothTypes(
                "LayerNorm",
                in ->
                    in.withGradients(
                        new Norm.LayerNorm(in.leaf(1, HIDDEN), in.leaf(1, HIDDEN), 1e-5)
                            .forward(tokens(in)))),
            ParityCase.inBothTypes(
                "LayerNorm without a bias",
                in ->
                    in.withGradients(
                        new Norm.LayerNorm(in.leaf(1, HIDDEN), null, 1e-5).forward(tokens(in)))))
        .flatMap(cases -> cases);
  }

  private static Stream<ParityCase> rotations() {
    return Stream.of(
            new RopeScaling.Unscaled(),
            new RopeScaling.LinearScaling(4),
            new RopeScaling.Llama3(8, 1, 4, 16),
            RopeScaling.Yarn.of(4, 16))
        .flatMap(scaling ->
            ParityCase.inBothTypes(
                "rotary " + scaling,
                in ->
                    in.withGradients(
                        rotation(in, scaling, 100, 100 + SEQ)
                            .apply(in.leaf(1, BATCH, HEADS, SEQ, HEAD)))));
  }

  private static RotaryEmbedding.Rotation rotation(
      Inputs in, RopeScaling scaling, long from, long to) {
    return new RotaryEmbedding(HEAD, 10_000, scaling)
        .at(in.device(), in.dtype(), LongStream.range(from, to).toArray());
  }

  private static GroupedQueryAttention attention(Inputs in, AttentionPattern pattern) {
    return new GroupedQueryAttention(
        new GroupedQueryAttention.Form(HEADS, KV_HEADS, HEAD, pattern),
        new GroupedQueryAttention.Projections(
            in.map(HEADS * HEAD, HIDDEN),
            in.map(KV_HEADS * HEAD, HIDDEN),
            in.map(KV_HEADS * HEAD, HIDDEN),
            in.map(HIDDEN, HEADS * HEAD)),
        new Norm.RmsNorm(in.leaf(1, HEAD), 1e-6),
        new Norm.RmsNorm(in.leaf(1, HEAD), 1e-6));
  }

  private static Stream<ParityCase> attentions() {
    return Stream.of(
            new AttentionPattern.Bidirectional(),
            new AttentionPattern.Causal(),
            new AttentionPattern.SlidingWindow(WINDOW))
        .flatMap(pattern ->
            Stream.concat(
                ParityCase.inBothTypes("attention " + pattern, in -> whole(in, pattern)),
                ParityCase.inBothTypes(
                    "cached attention " + pattern, in -> inPieces(in, pattern))));
  }

  private static List<Tensor> whole(Inputs in, AttentionPattern pattern) {
    var rotation = rotation(in, new RopeScaling.Unscaled(), 0, SEQ);
    return in.withGradients(attention(in, pattern).forward(tokens(in), rotation));
  }

  /// A prompt, then tokens one and several at a time.
  private static List<Tensor> inPieces(Inputs in, AttentionPattern pattern) {
    try (KvCache cache = new KvCache(1);
        Gradients.Pause _ = Gradients.pause()) {
      var attention = attention(in, pattern);
      Tensor x = in.normal(1, BATCH, SEQ, HIDDEN);
      List<Tensor> pieces = new ArrayList<>();
      long start = 0;
      for (long end : List.of(10L, 11L, 15L, (long) SEQ)) {
        var rotation = rotation(in, new RopeScaling.Unscaled(), start, end);
        Tensor part = x.narrow(1, start, end - start);
        pieces.add(attention.forward(part, rotation, cache.layer(0)));
        start = end;
      }
      return List.of(Tensors.concat(pieces, 1), cache.layer(0).positions().copy());
    }
  }

  private static Stream<ParityCase> networks() {
    return Arrays.stream(Activation.values())
        .flatMap(activation ->
            Stream.of(
                    ParityCase.inBothTypes(
                        "gated network " + activation,
                        in ->
                            in.withGradients(
                                new FeedForward.Gated(
                                        in.map(INNER, HIDDEN),
                                        in.map(INNER, HIDDEN),
                                        in.map(HIDDEN, INNER),
                                        activation)
                                    .forward(tokens(in)))),
                    ParityCase.inBothTypes(
                        "fused gated network " + activation,
                        in ->
                            in.withGradients(
                                new FeedForward.FusedGated(
                                        in.map(2 * INNER, HIDDEN),
                                        in.map(HIDDEN, INNER),
                                        activation)
                                    .forward(tokens(in)))),
                    ParityCase.inBothTypes(
                        "two-layer network " + activation,
                        in ->
                            in.withGradients(
                                new FeedForward.TwoLayer(
                                        in.map(INNER, HIDDEN), in.map(HIDDEN, INNER), activation)
                                    .forward(tokens(in)))))
                .flatMap(cases -> cases));
  }
}
