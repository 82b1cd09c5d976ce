package dev.upcycle.checkpoint.write;

import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.Locale;
import java.util.Optional;

/// What can be wrong with a source file while it is copied, its header having been read before.
final class SourceFaults {
  private static final long PROBE_BYTES = 1 << 16;

  private SourceFaults() {}

  /// The file ends before the range does.
  static CheckpointFormatException tooShort(FileRange source, long size) {
    return new CheckpointFormatException(
        CheckpointFault.SOURCE_CHANGED,
        String.format(
            Locale.ROOT,
            "%s ends at byte %d, but bytes %d to %d were to be copied from it; it changed since its header was read",
            source.file(),
            size,
            source.offset(),
            source.offset() + source.bytes()));
  }

  /// The file cannot be opened or read.
  static CheckpointFormatException unreadable(FileRange source, IOException cause) {
    return new CheckpointFormatException(
        CheckpointFault.UNREADABLE,
        String.format(Locale.ROOT, "%s cannot be read: %s", source.file(), cause),
        cause);
  }

  /// The fault of a source that cannot be read here, when a transfer from it failed: the system
  /// does not say which of the two files refused.
  static Optional<RuntimeException> findUnreadable(FileChannel from, FileRange slice) {
    ByteBuffer probe = ByteBuffer.allocate((int) Math.min(PROBE_BYTES, slice.bytes()));
    long read = 0;
    try {
      for (long done = 0; read >= 0 && done < slice.bytes(); done += read) {
        read = from.read(probe.clear(), slice.offset() + done);
      }
      return Optional.empty();
    } catch (IOException e) {
      return Optional.of(unreadable(slice, e));
    }
  }
}
