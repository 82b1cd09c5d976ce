package dev.upcycle.checkpoint.write;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// How many bytes may still be written to the disk of a directory.
@FunctionalInterface
interface FreeSpace {
  /// What the file store of the directory says.
  FreeSpace OF_THE_FILE_STORE = directory -> Files.getFileStore(directory).getUsableSpace();

  /// Bytes free for this process on the disk that holds the directory.
  long bytes(Path directory) throws IOException;
}
