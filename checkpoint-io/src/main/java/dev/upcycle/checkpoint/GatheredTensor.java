package dev.upcycle.checkpoint;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.StandardOpenOption;
import java.util.Locale;

/// Reads a tensor in row-major order, however its elements lie in the file: a transposed matrix
/// comes out as itself.
///
/// Owns a read-only mapping of the tensor's extent until it is closed; no memory besides. Of one
/// thread.
public final class GatheredTensor implements AutoCloseable {
  private final Arena arena = Arena.ofConfined();
  private final MemorySegment extent;
  private final long[] sizes;
  private final long[] steps;
  private final long[] at;
  private final int width;

  private GatheredTensor(TensorEntry entry, FileChannel channel) throws IOException {
    if (entry.dtype().bits() % Byte.SIZE != 0) {
      throw new IllegalArgumentException(entry.name() + " has elements of less than a byte");
    }
    this.width = entry.dtype().bits() / Byte.SIZE;
    this.sizes = entry.shape().dimensions().stream().mapToLong(Long::longValue).toArray();
    this.steps = steps(entry);
    this.at = new long[sizes.length];
    this.extent = channel.map(FileChannel.MapMode.READ_ONLY, entry.offset(), entry.extent(), arena);
  }

  /// Maps the tensor.
  ///
  /// @throws CheckpointFormatException when the file is gone or has become shorter since it was
  ///   opened
  public static GatheredTensor open(TensorEntry entry) {
    try (FileChannel channel = FileChannel.open(entry.file(), StandardOpenOption.READ)) {
      requireWhole(entry, channel.size());
      return new GatheredTensor(entry, channel);
    } catch (IOException e) {
      throw new CheckpointFormatException(
          CheckpointFault.UNREADABLE,
          entry.file() + ": tensor '" + entry.name() + "' cannot be mapped (" + e + ")",
          e);
    }
  }

  /// Requires that a file of so many bytes still holds the tensor.
  static void requireWhole(TensorEntry entry, long fileBytes) {
    long end = Math.addExact(entry.offset(), entry.extent());
    if (fileBytes < end) {
      throw new CheckpointFormatException(
          CheckpointFault.DATA_TOO_SHORT,
          String.format(
              Locale.ROOT,
              "%s: tensor '%s' ends at byte %,d, but the file is now %,d bytes; it was changed after it was opened: start again",
              entry.file(),
              entry.name(),
              end,
              fileBytes));
    }
  }

  private static long[] steps(TensorEntry entry) {
    int rank = entry.shape().rank();
    long[] steps = new long[rank];
    long dense = 1;
    for (int axis = rank - 1; axis >= 0; axis--) {
      steps[axis] = entry.contiguous() ? dense : entry.strides().get(axis);
      dense *= entry.shape().dimension(axis);
    }
    return steps;
  }

  /// Fills the buffer with whole elements from this one on, in row-major order; the buffer is left
  /// full, its position at its limit.
  ///
  /// @param firstElement position in the row-major order
  /// @param into as many whole elements as are wanted
  public void read(long firstElement, ByteBuffer into) {
    MemorySegment target = MemorySegment.ofBuffer(into);
    if (target.byteSize() % width != 0) {
      throw new IllegalArgumentException(target.byteSize() + " bytes are no whole elements");
    }
    moveTo(firstElement);
    int inner = sizes.length - 1;
    long run;
    for (long done = 0; done < target.byteSize(); done += run * width) {
      long left = (target.byteSize() - done) / width;
      run = inner < 0 ? left : Math.min(left, sizes[inner] - at[inner]);
      copyRun(target.asSlice(done, run * width), run);
      if (inner >= 0) {
        advance(inner, run);
      }
    }
    into.position(into.limit());
  }

  private void moveTo(long element) {
    long rest = element;
    for (int axis = sizes.length - 1; axis >= 0; axis--) {
      at[axis] = rest % sizes[axis];
      rest /= sizes[axis];
    }
  }

  private void advance(int inner, long run) {
    at[inner] += run;
    for (int axis = inner; axis > 0 && at[axis] == sizes[axis]; axis--) {
      at[axis] = 0;
      at[axis - 1]++;
    }
  }

  private void copyRun(MemorySegment target, long run) {
    long from = 0;
    for (int axis = 0; axis < at.length; axis++) {
      from += at[axis] * steps[axis];
    }
    long step = steps.length == 0 ? 1 : steps[steps.length - 1];
    if (step == 1 || run == 1) {
      MemorySegment.copy(extent, from * width, target, 0, run * width);
      return;
    }
    for (long element = 0; element < run; element++) {
      long source = (from + element * step) * width;
      long place = element * width;
      switch (width) {
        case Byte.BYTES ->
            target.set(ValueLayout.JAVA_BYTE, place, extent.get(ValueLayout.JAVA_BYTE, source));
        case Short.BYTES ->
            target.set(
                ValueLayout.JAVA_SHORT_UNALIGNED,
                place,
                extent.get(ValueLayout.JAVA_SHORT_UNALIGNED, source));
        case Integer.BYTES ->
            target.set(
                ValueLayout.JAVA_INT_UNALIGNED,
                place,
                extent.get(ValueLayout.JAVA_INT_UNALIGNED, source));
        default -> MemorySegment.copy(extent, source, target, place, width);
      }
    }
  }

  @Override
  public void close() {
    arena.close();
  }
}
