package dev.upcycle.checkpoint;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.NavigableSet;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// The names in a checkpoint's directory, sorted; nothing below it.
///
/// @param directory the directory
/// @param names of files and directories alike; a symlink counts as what it is called
record Listing(Path directory, NavigableSet<String> names) {
  private static final Path HUB_DOWNLOADS = Path.of(".cache", "huggingface", "download");

  Listing {
    names = Collections.unmodifiableNavigableSet(new TreeSet<>(names));
  }

  static Listing of(Path directory) {
    Path absolute = directory.toAbsolutePath();
    if (!Files.exists(absolute)) {
      throw new CheckpointFormatException(
          CheckpointFault.NO_SUCH_PATH,
          directory + ": there is no such directory; expected one with config.json and weights");
    }
    try {
      return new Listing(directory, names(absolute));
    } catch (NotDirectoryException e) {
      throw new CheckpointFormatException(
          CheckpointFault.NOT_A_DIRECTORY,
          String.format(
              Locale.ROOT,
              "%s: is a file, expected the directory of a model; name its directory, %s",
              directory,
              absolute.getParent()),
          e);
    } catch (IOException e) {
      throw new CheckpointFormatException(
          CheckpointFault.UNREADABLE, directory + ": cannot be listed (" + e + ")", e);
    }
  }

  boolean has(String name) {
    return names.contains(name);
  }

  /// The names that match, in order.
  List<String> matching(Pattern pattern) {
    return names.stream().filter(name -> pattern.matcher(name).matches()).toList();
  }

  Path path(String name) {
    return directory.resolve(name);
  }

  /// The unfinished downloads that the hub's client keeps below a local directory.
  List<Path> hubDownloads(Pattern pattern) {
    Path downloads = directory.resolve(HUB_DOWNLOADS);
    if (!Files.isDirectory(downloads)) {
      return List.of();
    }
    try {
      return names(downloads).stream()
          .filter(name -> pattern.matcher(name).matches())
          .map(downloads::resolve)
          .toList();
    } catch (IOException e) {
      throw new CheckpointFormatException(
          CheckpointFault.UNREADABLE, downloads + ": cannot be listed (" + e + ")", e);
    }
  }

  private static NavigableSet<String> names(Path directory) throws IOException {
    NavigableSet<String> names = new TreeSet<>();
    try (Stream<Path> entries = Files.list(directory)) {
      entries.forEach(entry -> names.add(String.valueOf(entry.getFileName())));
    }
    return names;
  }
}
