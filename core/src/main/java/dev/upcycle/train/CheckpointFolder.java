package dev.upcycle.train;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.safetensors.SafetensorsHeader;
import dev.upcycle.checkpoint.write.Durability;
import dev.upcycle.checkpoint.write.ResourceException;
import dev.upcycle.sample.Directories;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongPredicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// A run's checkpoints, `step-N` each.
///
/// A kill at any moment leaves each of these names to something whole, or to nothing: a checkpoint
/// is written beside its place, synced and renamed; one that goes is renamed before any file of it
/// is removed; one that is saved again stays, under another name, until the new one is in its
/// place.
final class CheckpointFolder {
  /// What the name of a folder ends in that is not whole yet.
  static final String UNFINISHED = ".unfinished";

  private static final String REPLACED = ".replaced-";
  private static final String DISCARDED = ".discarded-";
  private static final Pattern STEP = Pattern.compile("step-([0-9]{1,18})");
  private static final Pattern REPLACED_STEP = Pattern.compile(Pattern.quote(REPLACED) + STEP);
  private static final Pattern DISCARDED_STEP = Pattern.compile(Pattern.quote(DISCARDED) + STEP);
  private static final int KEPT = 2;

  private final Path directory;
  private final Set<Long> torn = ConcurrentHashMap.newKeySet();

  private CheckpointFolder(Path directory) {
    this.directory = directory;
  }

  /// Opens the folder, which is made where there is none, and clears what a killed run left.
  static CheckpointFolder open(Path directory) throws IOException {
    Files.createDirectories(directory);
    CheckpointFolder folder = new CheckpointFolder(directory);
    folder.clear();
    folder.steps().stream()
        .filter(step -> !whole(folder.checkpoint(step)))
        .forEach(folder.torn::add);
    return folder;
  }

  private void clear() throws IOException {
    for (Path left : inside()) {
      String name = left.getFileName().toString();
      Matcher replaced = REPLACED_STEP.matcher(name);
      if (replaced.matches()) {
        Path place = directory.resolve(name.substring(REPLACED.length()));
        if (Files.exists(place)) {
          discard(left);
        } else {
          Files.move(left, place, StandardCopyOption.ATOMIC_MOVE);
        }
      } else if (name.equals(UNFINISHED) || DISCARDED_STEP.matcher(name).matches()) {
        Directories.delete(left);
      }
    }
  }

  /// Whether everything is there and of its length; what the files say is not read.
  private static boolean whole(Path checkpoint) {
    try {
      RunState.of(checkpoint);
      SafetensorsHeader.read(StageCheckpoints.optimizer(checkpoint));
      Checkpoint.open(checkpoint.resolve(StageCheckpoints.MODEL));
      Path average = checkpoint.resolve(StageCheckpoints.AVERAGE);
      if (Files.exists(average)) {
        Checkpoint.open(average);
      }
      return true;
    } catch (CheckpointFormatException e) {
      return false;
    }
  }

  /// Checkpoints that bear a name and were not whole when the folder was opened; they are passed
  /// over.
  List<Path> torn() {
    return torn.stream().sorted().map(this::checkpoint).toList();
  }

  /// Writes a checkpoint and gives its folder; what a failure leaves half done is removed.
  ///
  /// @param content fills an empty folder
  /// @throws ResourceException when the system refuses, naming the last whole checkpoint
  Path save(long step, Content content) {
    Path done = checkpoint(step);
    Path unfinished = directory.resolve(UNFINISHED);
    try {
      if (Files.exists(unfinished)) {
        Directories.delete(unfinished);
      }
      Files.createDirectories(unfinished);
      content.fill(unfinished);
      Durability.syncDirectory(unfinished);
      place(unfinished, done);
      torn.remove(step);
      return done;
    } catch (IOException e) {
      throw unsaved(ResourceException.refused(done, e), unfinished);
    } catch (ResourceException e) {
      throw unsaved(e, unfinished);
    }
  }

  private void place(Path unfinished, Path done) throws IOException {
    Path replaced = done.resolveSibling(REPLACED + done.getFileName());
    boolean again = Files.exists(done);
    if (again) {
      Files.move(done, replaced, StandardCopyOption.ATOMIC_MOVE);
    }
    Files.move(unfinished, done, StandardCopyOption.ATOMIC_MOVE);
    Durability.syncDirectory(directory);
    if (again) {
      discard(replaced);
    }
  }

  private ResourceException unsaved(ResourceException cause, Path unfinished) {
    try {
      if (Files.exists(unfinished)) {
        Directories.delete(unfinished);
      }
    } catch (RuntimeException e) {
      cause.addSuppressed(e);
    }
    return new ResourceException(
        "%s; %s"
            .formatted(
                cause.getMessage(),
                newest()
                    .map(last ->
                        "the last whole checkpoint is %s: go on with --resume".formatted(last))
                    .orElse("there is no checkpoint before")),
        cause);
  }

  /// Fills a folder.
  @FunctionalInterface
  interface Content {
    void fill(Path folder) throws IOException;
  }

  /// The checkpoint after a step.
  Path checkpoint(long step) {
    return directory.resolve("step-" + step);
  }

  /// The newest checkpoint that is whole; empty before the first.
  Optional<Path> newest() {
    return steps().stream()
        .filter(step -> !torn.contains(step))
        .max(Comparator.naturalOrder())
        .map(this::checkpoint);
  }

  private List<Path> inside() {
    try (Stream<Path> inside = Files.list(directory)) {
      return inside.toList();
    } catch (IOException e) {
      throw new ResourceException("cannot read " + directory + ": " + e, e);
    }
  }

  private List<Long> steps() {
    List<Long> steps = new ArrayList<>();
    for (Path path : inside()) {
      Matcher matcher = STEP.matcher(path.getFileName().toString());
      if (matcher.matches()) {
        steps.add(Long.parseLong(matcher.group(1)));
      }
    }
    return steps;
  }

  /// Removes all checkpoints but the newest two and those that must stay.
  void prune(LongPredicate stays) {
    steps().stream()
        .filter(step -> !torn.contains(step))
        .sorted(Comparator.reverseOrder())
        .skip(KEPT)
        .filter(step -> !stays.test(step))
        .forEach(step -> {
          try {
            discard(checkpoint(step));
          } catch (IOException e) {
            throw ResourceException.refused(checkpoint(step), e);
          }
        });
  }

  private void discard(Path checkpoint) throws IOException {
    String name = checkpoint.getFileName().toString();
    String step = name.startsWith(REPLACED) ? name.substring(REPLACED.length()) : name;
    Path discarded = directory.resolve(DISCARDED + step);
    if (Files.exists(discarded)) {
      Directories.delete(discarded);
    }
    Files.move(checkpoint, discarded, StandardCopyOption.ATOMIC_MOVE);
    Directories.delete(discarded);
  }
}
