package dev.upcycle.checkpoint.write;

import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.GatheredTensor;
import dev.upcycle.checkpoint.TensorEntry;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.LongConsumer;

/// Copies a tensor to several places, in row-major order whatever its order in the source, cast on
/// the way where the types differ: in the kernel where that is a plain copy.
///
/// Stateless; several threads may copy at once, to the same files too.
public final class TensorCopier {
  private static final int SLICE_BYTES = 1 << 22;

  private TensorCopier() {}

  /// Copies the tensor to each start.
  ///
  /// An interrupt of the thread stops it between two slices, all files closed.
  ///
  /// @param dtype of the result
  /// @param written hears the bytes just written, all places together, after each slice
  /// @throws CastOverflowException when a finite element would become infinite
  /// @throws java.util.concurrent.CancellationException when the thread is interrupted
  /// @throws dev.upcycle.checkpoint.CheckpointFormatException when the source ends too early
  /// @throws ResourceException when a place cannot be written
  public static void copy(
      TensorEntry source, DType dtype, List<FileRange.Start> starts, LongConsumer written) {
    FileRange range = new FileRange(source.file(), source.offset(), source.bytes());
    boolean cast = source.dtype() != dtype;
    if (source.contiguous() && !cast) {
      SliceCopier.copy(range, starts, written);
    } else if (source.contiguous()) {
      CastCopier.copy(range, new Cast(source.dtype(), dtype), starts, written);
    } else if (cast) {
      CastCopier.gather(source, new Cast(source.dtype(), dtype), starts, written);
    } else {
      gather(source, starts, written);
    }
  }

  private static void gather(
      TensorEntry source, List<FileRange.Start> starts, LongConsumer written) {
    Interruption.check();
    int width = source.dtype().bits() / Byte.SIZE;
    try (GatheredTensor tensor = GatheredTensor.open(source);
        RangeWriter to = RangeWriter.open(starts, source.bytes());
        Arena arena = Arena.ofConfined()) {
      ByteBuffer slice =
          arena.allocate(Math.min(SLICE_BYTES, source.bytes()), Double.BYTES).asByteBuffer();
      for (long done = 0; done < source.bytes(); done += slice.limit()) {
        slice.clear().limit((int) Math.min(SLICE_BYTES, source.bytes() - done));
        tensor.read(done / width, slice);
        to.write(slice.flip());
        written.accept((long) slice.limit() * to.places());
      }
    }
  }
}
