package dev.upcycle.checkpoint.write;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/// Where a run works: `OUT`, and its sibling `OUT.partial` until OUT is complete.
///
/// `OUT.partial` holds the journal, `files` (the target in the making) and, while an older OUT is
/// being replaced, `replaced`. Its top level never looks like a checkpoint.
///
/// @param out the directory to make, links followed
/// @param partial its working sibling
record OutputPaths(Path out, Path partial) {
  private static final String FILES = "files";
  private static final String REPLACED = "replaced";

  /// The paths that belong to an output as the user wrote it.
  ///
  /// @throws OutputException when no directory can be made of that name
  static OutputPaths of(Path asked) {
    Path out = OutputGuard.real(asked);
    Path name = out.getFileName();
    if (name == null) {
      throw new OutputException("--out " + asked + " is a root; name a directory to make in it");
    }
    return new OutputPaths(out, out.resolveSibling(name + ".partial"));
  }

  /// Refuses what cannot be renamed into: a file, the working directory, a mount point.
  void requireUsable() throws IOException {
    if (!Files.exists(out)) {
      return;
    }
    if (!Files.isDirectory(out)) {
      throw new OutputException("--out " + out + " is a file; name a directory to make");
    }
    if (out.equals(OutputGuard.real(Path.of("")))) {
      throw new OutputException(
          "--out " + out + " is the current directory; name a directory to make in it");
    }
    if (!Files.getFileStore(out).equals(Files.getFileStore(parent()))) {
      throw new OutputException(
          "--out " + out + " is a mount point; name a directory to make in it");
    }
  }

  /// The directory that holds OUT.
  Path parent() {
    return Durability.directoryOf(out);
  }

  /// The target in the making.
  Path files() {
    return partial.resolve(FILES);
  }

  /// An older OUT on its way out.
  Path replaced() {
    return partial.resolve(REPLACED);
  }

  /// The record of what is finished.
  Path journal() {
    return partial.resolve(Journal.FILE_NAME);
  }

  /// The file whose lock says that a run works on OUT.
  Path lock() {
    return out.resolveSibling("." + out.getFileName() + ".lock");
  }

  /// True when OUT is there and holds something.
  boolean outHoldsFiles() throws IOException {
    return Files.isDirectory(out) && !names(out).isEmpty();
  }

  /// The names in a directory, sorted.
  static List<String> names(Path directory) throws IOException {
    try (Stream<Path> entries = Files.list(directory)) {
      return entries.map(entry -> String.valueOf(entry.getFileName())).sorted().toList();
    }
  }
}
