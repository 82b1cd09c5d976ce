package dev.upcycle.checkpoint.write;

import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import java.io.IOException;

/// What can be wrong with a source file while it is copied, its header having been read before.
final class SourceFaults {
  private SourceFaults() {}

  /// The file ends before the range does.
  static CheckpointFormatException tooShort(FileRange source, long size) {
    return new CheckpointFormatException(
        CheckpointFault.SOURCE_CHANGED,
        "%s ends at byte %d, but bytes %d to %d were to be copied from it; it changed since its header was read"
            .formatted(source.file(), size, source.offset(), source.offset() + source.bytes()));
  }

  /// The file cannot be opened or read.
  static CheckpointFormatException unreadable(FileRange source, IOException cause) {
    return new CheckpointFormatException(
        CheckpointFault.UNREADABLE, "%s cannot be read: %s".formatted(source.file(), cause), cause);
  }
}
