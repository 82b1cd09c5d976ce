package dev.upcycle.checkpoint.write;

import java.nio.file.Path;
import java.util.Locale;

/// A run of bytes in a file.
///
/// @param file the file
/// @param offset of the first byte, from the start of the file
/// @param bytes how many
public record FileRange(Path file, long offset, long bytes) {
  /// Refuses negative numbers.
  public FileRange {
    if (offset < 0 || bytes < 0) {
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "range of %d bytes at %d in %s", bytes, offset, file));
    }
  }

  /// A place in a file where bytes are put.
  ///
  /// @param file the file, which exists
  /// @param offset of the first byte, from the start of the file
  public record Start(Path file, long offset) {
    /// Refuses negative offsets.
    public Start {
      if (offset < 0) {
        throw new IllegalArgumentException(
            String.format(Locale.ROOT, "offset %d in %s", offset, file));
      }
    }
  }
}
