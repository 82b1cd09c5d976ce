package dev.upcycle.checkpoint.write;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.function.LongConsumer;

/// Copies a range of one file to several places, in the kernel.
///
/// A slice is read from the disk once and copied to every place while it lies in the page cache, so
/// resident memory does not grow with the tensor: no buffer of this process is needed. Stateless;
/// several threads may copy at once, to the same files too.
public final class SliceCopier {
  /// Small enough to stay in the cache between the copies, large enough to make the calls few.
  static final long SLICE_BYTES = 8L << 20;

  private SliceCopier() {}

  /// Copies the range to each start.
  ///
  /// An interrupt of the thread stops it between two slices, all files closed.
  ///
  /// @param written hears the bytes just written, all places together, after each slice
  /// @throws java.util.concurrent.CancellationException when the thread is interrupted
  /// @throws dev.upcycle.checkpoint.CheckpointFormatException when the source ends too early
  /// @throws ResourceException when a place cannot be written
  public static void copy(FileRange source, List<FileRange.Start> starts, LongConsumer written) {
    Interruption.check();
    try (FileChannel from = FileChannel.open(source.file(), StandardOpenOption.READ);
        RangeWriter to = RangeWriter.open(starts, source.bytes())) {
      long slice;
      for (long done = 0; done < source.bytes(); done += slice) {
        slice = Math.min(SLICE_BYTES, source.bytes() - done);
        to.transfer(from, source, slice);
        written.accept(Math.multiplyExact(slice, (long) to.places()));
      }
    } catch (IOException e) {
      throw Interruption.orElse(e, cause -> SourceFaults.unreadable(source, cause));
    }
  }
}
