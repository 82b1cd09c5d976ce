package dev.upcycle.checkpoint.write;

import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.GatheredTensor;
import dev.upcycle.checkpoint.TensorEntry;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.function.LongConsumer;

/// Copies a range of one file to several places, its elements cast on the way: read once, cast
/// once, written to each.
///
/// Two buffers outside the heap belong to each call and are freed when it returns. Stateless;
/// several threads may copy at once, to the same files too.
public final class CastCopier {
  private static final int SLICE_ELEMENTS = 1 << 19;

  /// The most bytes outside the heap that one call holds, with F64 on one side.
  public static final long MAX_BUFFER_BYTES = SLICE_ELEMENTS * 2L * Double.BYTES;

  private CastCopier() {}

  /// Copies and casts the range to each start.
  ///
  /// @param source a whole number of elements
  /// @param written hears the bytes just written, all places together, after each slice
  /// @throws CastOverflowException when a finite element would become infinite
  /// @throws java.util.concurrent.CancellationException when the thread is interrupted
  /// @throws dev.upcycle.checkpoint.CheckpointFormatException when the source ends too early
  /// @throws ResourceException when a place cannot be written
  public static void copy(
      FileRange source, Cast cast, List<FileRange.Start> starts, LongConsumer written) {
    if (source.bytes() % cast.fromBytes() != 0) {
      throw new IllegalArgumentException(
          source + " does not hold a whole number of " + cast.from() + " elements");
    }
    Interruption.check();
    try (FileChannel from = FileChannel.open(source.file(), StandardOpenOption.READ);
        RangeWriter to = RangeWriter.open(starts, targetBytes(source, cast));
        Arena arena = Arena.ofConfined()) {
      Elements elements =
          (first, into) -> fill(source, from, source.offset() + first * cast.fromBytes(), into);
      new Run(source, cast, arena).copy(elements, to, written);
    } catch (IOException e) {
      throw Interruption.orElse(e, cause -> SourceFaults.unreadable(source, cause));
    }
  }

  /// Gathers, copies and casts a tensor whose elements are not in row-major order to each start.
  ///
  /// @param written hears the bytes just written, all places together, after each slice
  /// @throws CastOverflowException when a finite element would become infinite
  /// @throws java.util.concurrent.CancellationException when the thread is interrupted
  /// @throws dev.upcycle.checkpoint.CheckpointFormatException when the source ends too early
  /// @throws ResourceException when a place cannot be written
  public static void gather(
      TensorEntry source, Cast cast, List<FileRange.Start> starts, LongConsumer written) {
    FileRange range = new FileRange(source.file(), source.offset(), source.bytes());
    Interruption.check();
    try (GatheredTensor tensor = GatheredTensor.open(source);
        RangeWriter to = RangeWriter.open(starts, targetBytes(range, cast));
        Arena arena = Arena.ofConfined()) {
      new Run(range, cast, arena).copy(tensor::read, to, written);
    } catch (IOException e) {
      throw Interruption.orElse(e, cause -> SourceFaults.unreadable(range, cause));
    }
  }

  /// Fills buffers with consecutive elements of a source, in row-major order.
  private interface Elements {
    /// @param into as many whole elements as are wanted; left full, its position at its limit
    void read(long first, ByteBuffer into) throws IOException;
  }

  private static void fill(FileRange source, FileChannel from, long at, ByteBuffer into)
      throws IOException {
    while (into.hasRemaining()) {
      int read = from.read(into, at + into.position());
      if (read < 0) {
        throw SourceFaults.tooShort(source, from.size());
      }
    }
  }

  private static long targetBytes(FileRange source, Cast cast) {
    return Math.multiplyExact(source.bytes() / cast.fromBytes(), (long) cast.toBytes());
  }

  /// One call's buffers, which live as long as its arena.
  private static final class Run {
    private final FileRange source;
    private final Cast cast;
    private final ByteBuffer in;
    private final ByteBuffer out;

    Run(FileRange source, Cast cast, Arena arena) {
      this.source = source;
      this.cast = cast;
      int elements = (int) Math.min(SLICE_ELEMENTS, source.bytes() / cast.fromBytes());
      this.in = buffer(arena, (long) elements * cast.fromBytes());
      this.out = buffer(arena, (long) elements * cast.toBytes());
    }

    private static ByteBuffer buffer(Arena arena, long bytes) {
      return arena.allocate(bytes, Double.BYTES).asByteBuffer();
    }

    void copy(Elements from, RangeWriter to, LongConsumer written) throws IOException {
      long elements = source.bytes() / cast.fromBytes();
      int slice;
      for (long done = 0; done < elements; done += slice) {
        slice = (int) Math.min(SLICE_ELEMENTS, elements - done);
        in.clear().limit(slice * cast.fromBytes());
        from.read(done, in);
        in.flip();
        cast(done);
        to.write(out);
        written.accept((long) out.remaining() * to.places());
      }
    }

    private void cast(long firstElement) {
      out.clear();
      cast.apply(in, out)
          .ifPresent(index -> {
            throw new CastOverflowException(cast, source, firstElement + index, value(index));
          });
      out.flip();
    }

    private double value(int index) {
      ByteBuffer element =
          in.duplicate().position(index * cast.fromBytes()).limit((index + 1) * cast.fromBytes());
      ByteBuffer wide = ByteBuffer.allocate(Double.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      new Cast(cast.from(), DType.F64).apply(element, wide);
      return wide.getDouble(0);
    }
  }
}
