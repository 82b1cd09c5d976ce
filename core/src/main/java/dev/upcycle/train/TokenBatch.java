package dev.upcycle.train;

import dev.upcycle.chat.LabelledTokens;
import dev.upcycle.data.Batch;
import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Device;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.Tensors;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// A micro-batch of sequences for a decoder.
///
/// The arrays are its own; nobody writes to them.
final class TokenBatch {
  private final int rows;
  private final int seq;
  private final long[] ids;
  private final long[] next;
  private final long[] real;

  /// @param ids `[rows · seq]`
  /// @param next what each token predicts, or [LabelledTokens#IGNORED]
  /// @param real 1 for tokens that count, 0 for those that fill up
  private TokenBatch(int rows, int seq, long[] ids, long[] next, long[] real) {
    this.rows = rows;
    this.seq = seq;
    this.ids = ids;
    this.next = next;
    this.real = real;
  }

  static TokenBatch of(Batch batch) {
    int seq = batch.seq();
    long[] labels = batch.labels();
    long[] next = new long[labels.length];
    long[] real = new long[labels.length];
    for (int i = 0; i < labels.length; i++) {
      boolean last = (i + 1) % seq == 0;
      next[i] = last ? LabelledTokens.IGNORED : labels[i + 1];
      real[i] = i % seq < batch.lengths()[i / seq] ? 1 : 0;
    }
    return new TokenBatch(batch.size(), seq, batch.ids(), next, real);
  }

  /// Sequences of equal length, each token of which predicts the next.
  static TokenBatch ofSequences(long[] ids, int seq) {
    long[] next = new long[ids.length];
    for (int i = 0; i < ids.length; i++) {
      next[i] = (i + 1) % seq == 0 ? LabelledTokens.IGNORED : ids[i + 1];
    }
    long[] real = new long[ids.length];
    Arrays.fill(real, 1);
    return new TokenBatch(ids.length / seq, seq, ids, next, real);
  }

  /// How many tokens predict one that is learned.
  long learned() {
    return Arrays.stream(next).filter(label -> label != LabelledTokens.IGNORED).count();
  }

  /// Tokens that do not fill up.
  long tokens() {
    return Arrays.stream(real).sum();
  }

  /// `[rows, seq]`
  Tensor ids() {
    return Tensors.of(ids).view(rows, seq);
  }

  /// `[rows · seq]`
  Tensor labels(Device device) {
    return Tensors.of(next).to(device);
  }

  /// `[rows · seq]`, 1 for tokens that count; null when all do.
  @Nullable Tensor mask(Device device) {
    return tokens() == ids.length ? null : Tensors.of(real).to(DType.F32).to(device);
  }
}
