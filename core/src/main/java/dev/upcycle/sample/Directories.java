package dev.upcycle.sample;

import dev.upcycle.checkpoint.write.ResourceException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/// Directories that live for the length of a run.
public final class Directories {
  private Directories() {}

  /// A new one among the temporary files.
  public static Path temporary(String prefix) {
    try {
      return Files.createTempDirectory(prefix);
    } catch (IOException e) {
      throw new ResourceException("cannot make a temporary directory: " + e.getMessage(), e);
    }
  }

  /// Copies the files of a directory, not those below it.
  static void copyFiles(Path from, Path to) {
    try (Stream<Path> files = Files.list(from)) {
      Files.createDirectories(to);
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Files.copy(file, to.resolve(from.relativize(file)));
      }
    } catch (IOException e) {
      throw new ResourceException("cannot copy " + from + ": " + e.getMessage(), e);
    }
  }

  /// Bytes of all files in a directory and below; 0 where there is none.
  public static long bytes(Path directory) throws IOException {
    if (Files.notExists(directory)) {
      return 0;
    }
    long bytes = 0;
    try (Stream<Path> walk = Files.walk(directory)) {
      for (Path file : walk.filter(Files::isRegularFile).toList()) {
        bytes += Files.size(file);
      }
    }
    return bytes;
  }

  /// Deletes a directory that this package made, with all that is in it; links are not followed.
  public static void delete(Path directory) {
    List<Path> paths;
    try (Stream<Path> walk = Files.walk(directory)) {
      paths = walk.sorted(Comparator.reverseOrder()).toList();
    } catch (IOException e) {
      throw new ResourceException("cannot remove " + directory + ": " + e.getMessage(), e);
    }
    for (Path path : paths) {
      try {
        Files.delete(path);
      } catch (IOException e) {
        throw new ResourceException("cannot remove " + path + ": " + e.getMessage(), e);
      }
    }
  }
}
