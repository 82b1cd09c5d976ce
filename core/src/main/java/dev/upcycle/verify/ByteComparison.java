package dev.upcycle.verify;

import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.TensorEntry;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Holds tensors against the dense tensor that they must equal, a window at a time: the source's
/// window is read (and cast) once for all its copies.
///
/// Owns three direct buffers of [#WINDOW] bytes and the channels of its reader; one thread.
public final class ByteComparison implements AutoCloseable {
  /// Bytes of a window; small enough that a window and its copy stay in the processor's caches.
  static final int WINDOW = 1 << 20;

  /// Told what a comparison has read.
  public interface Watcher {
    /// A window of the source, before any cast.
    void source(ByteBuffer window, DType dtype);

    /// So many more bytes of targets are compared.
    void compared(long bytes);
  }

  /// Hears nothing.
  static final Watcher UNWATCHED =
      new Watcher() {
        @Override
        public void source(ByteBuffer window, DType dtype) {}

        @Override
        public void compared(long bytes) {}
      };

  private final TensorBytes tensors = new TensorBytes();
  private final ByteBuffer source = window();
  private final ByteBuffer expected = window();
  private final ByteBuffer actual = window();

  /// The first difference of each target, in their order; empty where it equals the source, rounded
  /// to nearest even where the dtype differs.
  ///
  /// @param targets all of one dtype and of the source's shape
  public List<Optional<Difference>> compare(
      TensorEntry dense, List<TensorEntry> targets, Watcher watcher) {
    @Nullable Difference[] found = new @Nullable Difference[targets.size()];
    DType dtype = targets.getFirst().dtype();
    boolean cast = dtype != dense.dtype();
    int sourceWindow = cast ? WINDOW / Long.BYTES * (dense.dtype().bits() / Byte.SIZE) : WINDOW;
    long at = 0;
    for (long from = 0; from < dense.bytes(); from += sourceWindow) {
      source.clear().limit((int) Math.min(sourceWindow, dense.bytes() - from));
      tensors.read(dense, from, source);
      watcher.source(source, dense.dtype());
      ByteBuffer wanted = cast ? cast(dense.dtype(), dtype) : source;
      for (int target = 0; target < found.length; target++) {
        if (found[target] == null) {
          found[target] = difference(targets.get(target), at, wanted, cast);
        }
        watcher.compared(wanted.remaining());
      }
      at += wanted.remaining();
    }
    return Arrays.stream(found).map(Optional::ofNullable).toList();
  }

  private ByteBuffer cast(DType from, DType to) {
    int elements = source.remaining() * Byte.SIZE / from.bits();
    expected.clear().limit(elements * to.bits() / Byte.SIZE);
    RoundToNearestEven.cast(source, from, expected, to);
    return expected;
  }

  private @Nullable Difference difference(
      TensorEntry target, long at, ByteBuffer wanted, boolean cast) {
    actual.clear().limit(wanted.remaining());
    tensors.read(target, at, actual);
    int first = wanted.mismatch(actual);
    while (first >= 0 && first < actual.limit() && cast && bothNaN(first, target.dtype(), wanted)) {
      int next = element(first, target.dtype()) + target.dtype().bits() / Byte.SIZE;
      int relative = wanted.slice(next, wanted.limit() - next).mismatch(rest(next));
      first = relative < 0 ? -1 : next + relative;
    }
    if (first < 0) {
      return null;
    }
    int found = first < actual.limit() ? actual.get(first) & 0xff : -1;
    return new Difference(at + first, wanted.get(first) & 0xff, found);
  }

  private ByteBuffer rest(int from) {
    return actual.slice(from, actual.limit() - from);
  }

  /// A cast NaN stays a NaN; which of its many spellings is not part of the rule.
  private boolean bothNaN(int offset, DType dtype, ByteBuffer wanted) {
    int start = element(offset, dtype);
    return start + dtype.bits() / Byte.SIZE <= actual.limit()
        && Double.isNaN(RoundToNearestEven.read(wanted, start, dtype))
        && Double.isNaN(RoundToNearestEven.read(actual, start, dtype));
  }

  private static int element(int offset, DType dtype) {
    int width = dtype.bits() / Byte.SIZE;
    return offset / width * width;
  }

  private static ByteBuffer window() {
    return ByteBuffer.allocateDirect(WINDOW).order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public void close() {
    tensors.close();
  }
}
