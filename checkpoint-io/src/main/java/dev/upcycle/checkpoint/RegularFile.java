package dev.upcycle.checkpoint;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;

/// What may be opened for reading: opening a pipe would wait for a writer for ever.
public final class RegularFile {
  private RegularFile() {}

  /// Requires a regular file at this path, symbolic links followed.
  ///
  /// @return its attributes
  /// @throws CheckpointFormatException when something else is there
  /// @throws IOException when there is nothing, or it cannot be asked
  public static BasicFileAttributes require(Path file) throws IOException {
    BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
    if (!attributes.isRegularFile()) {
      throw new CheckpointFormatException(
          CheckpointFault.NOT_A_REGULAR_FILE,
          file
              + (attributes.isDirectory()
                  ? ": is a directory"
                  : ": is a pipe, a socket or a device")
              + ", expected a regular file; put the file itself in that place");
    }
    return attributes;
  }
}
