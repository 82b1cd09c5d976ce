package dev.upcycle.train;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Optional;

/// Files that a kill at any moment leaves whole or as they were.
final class WholeFile {
  /// What the name of a file or folder ends in that is not whole yet.
  static final String UNFINISHED = ".unfinished";

  private WholeFile() {}

  /// Writes a file beside its place, syncs it and gives it its name.
  static void replace(Path file, byte[] content) throws IOException {
    Path unfinished = file.resolveSibling(file.getFileName() + UNFINISHED);
    write(unfinished, content);
    Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE);
    sync(Optional.ofNullable(file.toAbsolutePath().getParent()).orElseThrow());
  }

  /// Writes a file in its place and syncs it.
  static void write(Path file, byte[] content) throws IOException {
    Files.write(file, content);
    sync(file);
  }

  static void sync(Path path) throws IOException {
    try (FileChannel open = FileChannel.open(path, StandardOpenOption.READ)) {
      open.force(true);
    }
  }
}
