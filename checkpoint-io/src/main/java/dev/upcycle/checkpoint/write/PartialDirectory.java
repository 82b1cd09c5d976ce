package dev.upcycle.checkpoint.write;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/// What lies in `OUT.partial` when a run begins, and how it is put in order.
///
/// Used by the run that holds the lock.
record PartialDirectory(OutputPaths paths) {
  /// Ending that every file carries until the commit, so that no weights file has its name before
  /// the target is complete.
  static final String UNFINISHED = ".part";

  /// Finishes what a run that was killed during its last step left to do: the older OUT goes back
  /// to its place, or goes for good when the new one already has it.
  void settle() throws IOException {
    boolean swapping = Files.isDirectory(paths.replaced());
    boolean committed = Journal.find(paths.journal()).isPresent() && !Files.exists(paths.files());
    if (committed) {
      finishCommit();
    } else if (swapping && !Files.exists(paths.out())) {
      Files.move(paths.replaced(), paths.out());
    } else if (swapping) {
      throw new OutputException(
          String.format(
              Locale.ROOT,
              "%s holds an older output while %s is there again; move one of them away",
              paths.replaced(),
              paths.out()));
    }
  }

  /// Removes what is left when OUT is in place: the output that it replaced, and this directory.
  void finishCommit() throws IOException {
    Path replaced = paths.replaced();
    if (Files.isDirectory(replaced)) {
      if (OutputPaths.names(replaced).isEmpty()) {
        Files.delete(replaced);
      } else {
        FinishedOutput.require(replaced).delete();
      }
    }
    Files.deleteIfExists(journalInWork());
    Files.deleteIfExists(paths.journal());
    Files.delete(paths.partial());
  }

  /// True when an earlier run got far enough to leave something behind.
  boolean isPresent() throws IOException {
    if (!Files.isDirectory(paths.partial())) {
      return Files.exists(paths.partial(), LinkOption.NOFOLLOW_LINKS);
    }
    boolean bare = !Files.exists(paths.files()) || (hasFilesDirectory() && filesInWork().isEmpty());
    return !bare || Files.exists(paths.journal()) || !strangers().isEmpty();
  }

  /// The journal of the earlier run.
  ///
  /// @throws OutputException when what lies there was not left by a run
  Journal requireJournal() throws IOException {
    Optional<Journal> journal = Journal.find(paths.journal());
    if (journal.isEmpty()) {
      throw new OutputException(
          String.format(
              Locale.ROOT,
              "%s is there but holds no journal of an earlier run; move it away",
              paths.partial()));
    }
    List<String> strangers = strangers();
    if (!strangers.isEmpty()) {
      throw new OutputException(
          String.format(
              Locale.ROOT,
              "%s holds what no run put there: %s; move it away",
              paths.partial(),
              String.join(", ", strangers)));
    }
    return journal.get();
  }

  /// Makes the directory where it is missing, and removes every file but the kept shards.
  ///
  /// @param kept file names of shards, without their ending
  void prepare(Set<String> kept) throws IOException {
    Files.createDirectories(paths.files());
    for (String shard : kept) {
      Path finished = paths.files().resolve(shard);
      if (Files.exists(finished)) {
        Files.move(finished, unfinished(shard));
      }
    }
    Set<String> keep = kept.stream().map(name -> name + UNFINISHED).collect(Collectors.toSet());
    for (String name : filesInWork()) {
      if (!keep.contains(name)) {
        Files.delete(paths.files().resolve(name));
      }
    }
  }

  /// Removes the directory when no earlier run has anything in it.
  void removeBare() throws IOException {
    if (!isPresent()) {
      Files.deleteIfExists(paths.files());
      Files.deleteIfExists(journalInWork());
      Files.deleteIfExists(paths.partial());
    }
  }

  /// True when the shard is there whole, under either of its names.
  boolean holds(String shard, long bytes) throws IOException {
    for (Path file : List.of(unfinished(shard), paths.files().resolve(shard))) {
      if (Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS) && Files.size(file) == bytes) {
        return true;
      }
    }
    return false;
  }

  /// Where a file of the target is written.
  Path unfinished(String name) {
    return paths.files().resolve(name + UNFINISHED);
  }

  private List<String> filesInWork() throws IOException {
    return OutputPaths.names(paths.files());
  }

  private boolean hasFilesDirectory() {
    return Files.isDirectory(paths.files(), LinkOption.NOFOLLOW_LINKS);
  }

  private Path journalInWork() {
    return paths.partial().resolve(Journal.FILE_NAME + Durability.TEMPORARY);
  }

  private List<String> strangers() throws IOException {
    Set<Path> ours = Set.of(paths.files(), paths.replaced(), paths.journal(), journalInWork());
    List<String> strangers = new ArrayList<>();
    for (String name : OutputPaths.names(paths.partial())) {
      if (!ours.contains(paths.partial().resolve(name))) {
        strangers.add(name);
      }
    }
    if (hasFilesDirectory()) {
      for (String name : filesInWork()) {
        if (Files.isDirectory(paths.files().resolve(name), LinkOption.NOFOLLOW_LINKS)) {
          strangers.add(name + "/");
        }
      }
    }
    return strangers;
  }
}
