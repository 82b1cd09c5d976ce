package dev.upcycle.checkpoint.write;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// How many bytes may still be written to the disk of a directory.
@FunctionalInterface
public interface FreeSpace {
  /// What the file store says of the directory or, where it is to be made, of the nearest one
  /// above.
  FreeSpace OF_THE_FILE_STORE =
      directory -> {
        Path there = directory.toAbsolutePath();
        while (!Files.exists(there) && there.getParent() != null) {
          there = there.getParent();
        }
        return Files.getFileStore(there).getUsableSpace();
      };

  /// Bytes free for this process on the disk that holds the directory.
  long bytes(Path directory) throws IOException;
}
