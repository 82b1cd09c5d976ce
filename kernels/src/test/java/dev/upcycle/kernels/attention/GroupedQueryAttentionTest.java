package dev.upcycle.kernels.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.upcycle.kernels.Closeness;
import dev.upcycle.kernels.KernelException;
import dev.upcycle.kernels.ScopePerTest;
import dev.upcycle.kernels.ffn.Linear;
import dev.upcycle.kernels.norm.Norm;
import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Device;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(ScopePerTest.class)
class GroupedQueryAttentionTest {
  private static final int HIDDEN = 12;
  private static final int HEADS = 4;
  private static final int KV_HEADS = 2;
  private static final int HEAD = 6;
  private static final int SEQ = 9;
  private final Tensor x = Tensors.normal(1, 2, SEQ, HIDDEN);
  private final RotaryEmbedding rotary =
      new RotaryEmbedding(HEAD, 10000, new RopeScaling.Unscaled());

  private static Linear map(long seed, long out, long in) {
    return new Linear(Tensors.normal(seed, out, in).times(0.4), Tensors.normal(seed + 50, out));
  }

  private static GroupedQueryAttention attention(AttentionPattern pattern) {
    return new GroupedQueryAttention(
        new GroupedQueryAttention.Form(HEADS, KV_HEADS, HEAD, pattern),
        new GroupedQueryAttention.Projections(
            map(11, HEADS * HEAD, HIDDEN),
            map(12, KV_HEADS * HEAD, HIDDEN),
            map(13, KV_HEADS * HEAD, HIDDEN),
            map(14, HIDDEN, HEADS * HEAD)),
        new Norm.RmsNorm(Tensors.normal(15, HEAD), 1e-6),
        new Norm.RmsNorm(Tensors.normal(16, HEAD), 1e-6));
  }

  private RotaryEmbedding.Rotation rotation(long from, long to) {
    return rotary.at(Device.CPU, DType.F32, LongStream.range(from, to).toArray());
  }

  private interface Visible {
    boolean sees(int query, int key);
  }

  /// Loops over heads, queries and keys.
  private Tensor reference(GroupedQueryAttention attention, Visible visible) {
    var maps = attention.projections();
    Tensor query = heads(maps.query().forward(x), HEADS, attention.queryNorm());
    Tensor key = heads(maps.key().forward(x), KV_HEADS, attention.keyNorm());
    float[] q = rotation(0, SEQ).apply(query).toFloats();
    float[] k = rotation(0, SEQ).apply(key).toFloats();
    float[] v = heads(maps.value().forward(x), KV_HEADS, null).toFloats();
    float[] out = new float[2 * SEQ * HEADS * HEAD];
    for (int row = 0; row < 2 * HEADS * SEQ; row++) {
      int batch = row / (HEADS * SEQ);
      int head = row / SEQ % HEADS;
      int i = row % SEQ;
      int shared = (batch * KV_HEADS + head / (HEADS / KV_HEADS)) * SEQ;
      double sum = 0;
      double[] total = new double[HEAD];
      for (int j = 0; j < SEQ; j++) {
        double score = 0;
        for (int d = 0; d < HEAD; d++) {
          score += q[row * HEAD + d] * k[(shared + j) * HEAD + d];
        }
        double weight = visible.sees(i, j) ? Math.exp(score / Math.sqrt(HEAD)) : 0;
        sum += weight;
        for (int d = 0; d < HEAD; d++) {
          total[d] += weight * v[(shared + j) * HEAD + d];
        }
      }
      for (int d = 0; d < HEAD; d++) {
        out[((batch * SEQ + i) * HEADS + head) * HEAD + d] = (float) (total[d] / sum);
      }
    }
    return maps.output().forward(Tensors.of(out, 2, SEQ, HEADS * HEAD));
  }

  private static Tensor heads(
      Tensor projected, int heads, @org.jspecify.annotations.Nullable Norm norm) {
    Tensor split = projected.view(2, SEQ, heads, HEAD);
    return (norm == null ? split : norm.forward(split)).transpose(1, 2).contiguous();
  }

  @Test
  void causalAttentionMatchesTheLoops() {
    var attention = attention(new AttentionPattern.Causal());
    Tensor expected = reference(attention, (query, key) -> key <= query);
    assertThat(Closeness.relativeError(expected, attention.forward(x, rotation(0, SEQ))))
        .isLessThan(1e-5);
  }

  @Test
  void aSlidingWindowMatchesTheLoopsAndIsNotPlainCausal() {
    var attention = attention(new AttentionPattern.SlidingWindow(3));
    Tensor actual = attention.forward(x, rotation(0, SEQ));
    Tensor expected = reference(attention, (query, key) -> key <= query && key > query - 3);
    assertThat(Closeness.relativeError(expected, actual)).isLessThan(1e-5);
    Tensor causal = reference(attention, (query, key) -> key <= query);
    assertThat(Closeness.relativeError(causal, actual)).isGreaterThan(1e-2);
  }

  @Test
  void bidirectionalAttentionMatchesTheLoops() {
    var attention = attention(new AttentionPattern.Bidirectional());
    Tensor expected = reference(attention, (query, key) -> true);
    assertThat(Closeness.relativeError(expected, attention.forward(x, rotation(0, SEQ))))
        .isLessThan(1e-5);
  }

  private Tensor inPieces(GroupedQueryAttention attention, long... ends) {
    try (KvCache cache = new KvCache(1);
        Gradients.Pause _ = Gradients.pause()) {
      List<Tensor> pieces = new ArrayList<>();
      long start = 0;
      for (long end : ends) {
        Tensor part = x.narrow(1, start, end - start);
        pieces.add(attention.forward(part, rotation(start, end), cache.layer(0)));
        start = end;
      }
      assertThat(cache.layer(0).length()).isEqualTo(SEQ);
      return Tensors.concat(pieces, 1);
    }
  }

  @Test
  void aCachedPassInPiecesMatchesTheWhole() {
    for (AttentionPattern pattern :
        List.of(new AttentionPattern.Causal(), new AttentionPattern.SlidingWindow(3))) {
      var attention = attention(pattern);
      Tensor whole = attention.forward(x, rotation(0, SEQ));
      assertThat(Closeness.relativeError(whole, inPieces(attention, 1, 5, 6, 7, SEQ)))
          .isLessThan(1e-5);
    }
  }

  @Test
  void theCacheGrowsPastItsFirstCapacity() {
    int seq = 200;
    Tensor tokens = Tensors.normal(3, 1, seq, HIDDEN);
    var attention = attention(new AttentionPattern.Causal());
    Tensor whole = attention.forward(tokens, rotation(0, seq));
    try (KvCache cache = new KvCache(1)) {
      attention.forward(tokens.narrow(1, 0, 60), rotation(0, 60), cache.layer(0));
      attention.forward(tokens.narrow(1, 60, 100), rotation(60, 160), cache.layer(0));
      Tensor last =
          attention.forward(tokens.narrow(1, 160, 40), rotation(160, seq), cache.layer(0));
      assertThat(Closeness.relativeError(whole.narrow(1, 160, 40), last)).isLessThan(1e-5);
      assertThat(cache.layer(0).positions().toLongs())
          .containsExactly(LongStream.range(0, seq).toArray());
    }
  }

  @Test
  void layersOfACacheCountForThemselves() {
    try (KvCache cache = new KvCache(2)) {
      var attention = attention(new AttentionPattern.Causal());
      attention.forward(x, rotation(0, SEQ), cache.layer(1));
      assertThat(cache.layer(0).length()).isZero();
      assertThat(cache.layer(1).length()).isEqualTo(SEQ);
      assertThatThrownBy(() -> cache.layer(0).positions()).isInstanceOf(KernelException.class);
    }
  }

  @Test
  void reducedPrecisionAttendsInFloat() {
    var wide = attention(new AttentionPattern.Causal());
    var form = wide.form();
    var maps = wide.projections();
    var narrow =
        new GroupedQueryAttention(
            form,
            new GroupedQueryAttention.Projections(
                reduced(maps.query()),
                reduced(maps.key()),
                reduced(maps.value()),
                reduced(maps.output())),
            null,
            null);
    var plain = new GroupedQueryAttention(form, maps, null, null);
    Tensor expected = plain.forward(x, rotation(0, SEQ));
    Tensor actual =
        narrow.forward(
            x.to(DType.BF16),
            rotary.at(Device.CPU, DType.BF16, LongStream.range(0, SEQ).toArray()));
    assertThat(actual.dtype()).isEqualTo(DType.BF16);
    assertThat(Closeness.relativeError(expected, actual)).isLessThan(5e-2);
  }

  private static Linear reduced(Linear map) {
    Tensor bias = map.bias();
    return new Linear(map.weight().to(DType.BF16), bias == null ? null : bias.to(DType.BF16));
  }

  @Test
  void headsThatCannotBeSharedEvenlyAreRefused() {
    assertThatThrownBy(() -> new GroupedQueryAttention.Form(6, 4, 8, new AttentionPattern.Causal()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("6 query heads cannot share 4");
  }

  @Test
  void causalAttentionWithoutRotationSeesOnlyThePast() {
    var attention = attention(new AttentionPattern.Causal());
    Tensor whole = attention.forward(x, null);
    Tensor start = attention.forward(x.narrow(1, 0, 4), null);
    assertThat(Closeness.relativeError(start, whole.narrow(1, 0, 4))).isLessThan(1e-6);
    Tensor everything = attention(new AttentionPattern.Bidirectional()).forward(x, null);
    assertThat(Closeness.relativeError(whole, everything)).isGreaterThan(0.01);
  }

  @Test
  void queriesThatAreTheMemoryReadWhatBidirectionalAttentionSees() {
    var attention = attention(new AttentionPattern.Bidirectional());
    Tensor some = attention.read(x.narrow(1, 2, 3), x);
    assertThat(Closeness.relativeError(attention.forward(x, null).narrow(1, 2, 3), some))
        .isLessThan(1e-6);
  }

  /// Each text of both sequences by itself.
  private static Tensor apart(
      GroupedQueryAttention attention, Tensor tokens, RotaryEmbedding rotary, long[][] ends) {
    List<Tensor> sequences = new ArrayList<>();
    for (int row = 0; row < ends.length; row++) {
      List<Tensor> texts = new ArrayList<>();
      long start = 0;
      for (long end : ends[row]) {
        long[] positions = LongStream.range(0, end - start).toArray();
        texts.add(
            attention.forward(
                tokens.narrow(0, row, 1).narrow(1, start, end - start),
                rotary.at(Device.CPU, DType.F32, positions)));
        start = end;
      }
      sequences.add(Tensors.concat(texts, 1));
    }
    return Tensors.concat(sequences, 0);
  }

  private static Documents documents(long[][] ends) {
    int seq = Math.toIntExact(ends[0][ends[0].length - 1]);
    long[] numbers = new long[ends.length * seq];
    for (int i = 0; i < numbers.length; i++) {
      int place = i % seq;
      numbers[i] = Arrays.stream(ends[i / seq]).filter(end -> end <= place).count();
    }
    return Documents.of(Tensors.of(numbers).view(ends.length, seq), DType.F32);
  }

  @Test
  void packedTextsAttendAsEachByItself() {
    long[][] ends = {{2, 3, SEQ}, {6, SEQ}};
    for (AttentionPattern pattern :
        List.of(
            new AttentionPattern.Causal(),
            new AttentionPattern.SlidingWindow(3),
            new AttentionPattern.SlidingWindow(SEQ),
            new AttentionPattern.Bidirectional())) {
      var attention = attention(pattern);
      Tensor expected = apart(attention, x, rotary, ends);
      Tensor packed = attention.forward(x, rotation(0, SEQ), documents(ends));
      assertThat(Closeness.relativeError(expected, packed)).as(pattern.toString()).isLessThan(1e-5);
      assertThat(Closeness.relativeError(expected, attention.forward(x, rotation(0, SEQ))))
          .as(pattern + " with the borders ignored")
          .isGreaterThan(1e-2);
    }
  }

  @Test
  void aPackedTextThatStartsBehindAWholeBlockOfKeysAttendsAsByItself() {
    long[][] ends = {{1100, 1200}};
    Tensor tokens = Tensors.normal(4, 1, 1200, HIDDEN);
    var attention = attention(new AttentionPattern.Causal());
    Tensor packed = attention.forward(tokens, rotation(0, 1200), documents(ends));
    assertThat(Closeness.relativeError(apart(attention, tokens, rotary, ends), packed))
        .isLessThan(1e-4);
  }
}
