package dev.upcycle.train;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.write.OutputException;
import dev.upcycle.checkpoint.write.ResourceException;
import dev.upcycle.sample.Directories;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.LongPredicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Where a run keeps what it makes; locked against a second run until it is closed.
///
/// A checkpoint is written beside its place, synced and renamed, so that whatever bears its name is
/// whole.
final class RunFolder implements AutoCloseable {
  private static final String RECIPE = "recipe.yaml";
  private static final String IDENTITY = "run.json";
  private static final String CHECKPOINTS = "checkpoints";
  private static final String FINAL = "final";

  /// The file of a connector that was drawn for the run.
  static final String CONNECTOR = "connector.safetensors";

  private static final String ORIGIN = "training.json";
  private static final String UNFINISHED = ".unfinished";
  private static final Pattern STEP = Pattern.compile("step-([0-9]{1,18})");
  private static final int KEPT = 2;

  private final Path directory;
  private final FileChannel channel;

  private RunFolder(Path directory, FileChannel channel) {
    this.directory = directory;
    this.channel = channel;
  }

  /// Opens the folder of a new run, or of one that goes on.
  ///
  /// @throws OutputException when something lies in the folder of a new run, or when recipe, model
  ///   or data are not those that the run began with
  /// @throws ResourceException when another run has the folder
  static RunFolder open(Path directory, RunIdentity identity, TrainRun.Mode mode) {
    try {
      if (mode == TrainRun.Mode.FRESH) {
        requireEmpty(directory);
      }
      Files.createDirectories(directory.resolve(CHECKPOINTS));
      RunFolder folder = new RunFolder(directory, lock(directory.resolve(".lock")));
      try {
        folder.identify(identity, mode);
        return folder;
      } catch (IOException | RuntimeException e) {
        folder.close();
        throw e;
      }
    } catch (IOException e) {
      throw new ResourceException("cannot write " + directory + ": " + e, e);
    }
  }

  private void identify(RunIdentity identity, TrainRun.Mode mode) throws IOException {
    boolean begun = Files.exists(directory.resolve(IDENTITY));
    if (begun && mode != TrainRun.Mode.RESUME_CHANGED) {
      identity.requireSame(
          Files.readString(directory.resolve(RECIPE)), json(directory.resolve(IDENTITY)));
    } else {
      replace(RECIPE, identity.recipe());
      replace(IDENTITY, identity.json().toPrettyString() + "\n");
    }
  }

  /// Refuses a folder that holds more than a connector that was drawn for the run.
  static void requireEmpty(Path directory) throws IOException {
    if (!Files.exists(directory)) {
      return;
    }
    try (Stream<Path> inside = Files.list(directory)) {
      Optional<Path> found = inside.filter(file -> !file.endsWith(CONNECTOR)).findFirst();
      if (found.isPresent()) {
        throw new OutputException(
            "%s is not empty, it holds %s; name another --out, or go on with its run: --resume"
                .formatted(directory, found.get().getFileName()));
      }
    }
  }

  private static FileChannel lock(Path file) throws IOException {
    FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    @Nullable FileLock lock;
    try {
      lock = channel.tryLock();
    } catch (OverlappingFileLockException e) {
      lock = null;
    }
    if (lock == null) {
      channel.close();
      throw new ResourceException(
          "%s is locked: another run works there; wait for it or name another --out"
              .formatted(file.getParent()));
    }
    return channel;
  }

  /// Refuses stages that were begun under other names.
  ///
  /// @param names of all stages
  /// @param last index of the last that was begun
  /// @throws OutputException naming the first that was not
  void requireBegun(List<String> names, int last) {
    for (int index = 0; index <= last; index++) {
      String name = index < names.size() ? names.get(index) : "nothing";
      if (!Files.isDirectory(stage(index, name))) {
        throw new OutputException(
            "%s cannot go on: its stage %d is now called %s; what was begun keeps name and place, or begin another run"
                .formatted(directory, index + 1, name));
      }
    }
  }

  /// Where a stage's metrics go.
  Path stage(int index, String name) {
    return directory.resolve((index + 1) + "-" + name);
  }

  /// Where the model lies that a stage made of the one before.
  Path upcycled(int index, String name) {
    return stage(index, name).resolve("upcycled");
  }

  /// Removes what a killed run may have left of something that is made again.
  void discard(Path path) {
    for (Path left : List.of(path, path.resolveSibling(path.getFileName() + ".partial"))) {
      if (Files.exists(left)) {
        Directories.delete(left);
      }
    }
  }

  /// Writes a checkpoint and gives its folder; what a failure leaves half done is removed.
  ///
  /// @param content fills an empty folder
  /// @throws ResourceException when the system refuses, naming the last whole checkpoint
  Path save(long step, Content content) {
    Path done = checkpoint(step);
    Path unfinished = directory.resolve(CHECKPOINTS).resolve(UNFINISHED);
    try {
      if (Files.exists(unfinished)) {
        Directories.delete(unfinished);
      }
      Files.createDirectories(unfinished);
      content.fill(unfinished);
      sync(unfinished);
      if (Files.exists(done)) {
        Directories.delete(done);
      }
      Files.move(unfinished, done, StandardCopyOption.ATOMIC_MOVE);
      sync(directory.resolve(CHECKPOINTS));
      return done;
    } catch (IOException e) {
      throw unsaved(ResourceException.refused(done, e), unfinished);
    } catch (ResourceException e) {
      throw unsaved(e, unfinished);
    }
  }

  private ResourceException unsaved(ResourceException cause, Path unfinished) {
    try {
      Directories.delete(unfinished);
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
    return directory.resolve(CHECKPOINTS).resolve("step-" + step);
  }

  /// The newest checkpoint; empty before the first.
  Optional<Path> newest() {
    return steps().stream().max(Comparator.naturalOrder()).map(this::checkpoint);
  }

  private List<Long> steps() {
    List<Long> steps = new ArrayList<>();
    try (Stream<Path> inside = Files.list(directory.resolve(CHECKPOINTS))) {
      for (Path path : inside.toList()) {
        Matcher matcher = STEP.matcher(path.getFileName().toString());
        if (matcher.matches()) {
          steps.add(Long.parseLong(matcher.group(1)));
        }
      }
    } catch (IOException e) {
      throw new ResourceException("cannot read " + directory + ": " + e, e);
    }
    return steps;
  }

  /// Removes all checkpoints but the newest two and those that must stay.
  void prune(LongPredicate stays) {
    steps().stream()
        .sorted(Comparator.reverseOrder())
        .skip(KEPT)
        .filter(step -> !stays.test(step))
        .forEach(step -> Directories.delete(checkpoint(step)));
  }

  /// Makes the result of a model's folder.
  ///
  /// @param origin which model it is
  Path finish(Path model, byte[] origin) {
    Path done = directory.resolve(FINAL);
    Path unfinished = directory.resolve(FINAL + UNFINISHED);
    try {
      if (Files.exists(unfinished)) {
        Directories.delete(unfinished);
      }
      Files.createDirectories(unfinished);
      try (Stream<Path> files = Files.list(model)) {
        for (Path file : files.toList()) {
          Path copy = unfinished.resolve(file.getFileName());
          Files.copy(file, copy);
          sync(copy);
        }
      }
      write(unfinished.resolve(ORIGIN), origin);
      sync(unfinished);
      if (Files.exists(done)) {
        Directories.delete(done);
      }
      Files.move(unfinished, done, StandardCopyOption.ATOMIC_MOVE);
      sync(directory);
      return done;
    } catch (IOException e) {
      throw new ResourceException("cannot write " + done + ": " + e, e);
    }
  }

  private void replace(String name, String text) throws IOException {
    Path unfinished = directory.resolve(name + UNFINISHED);
    write(unfinished, text.getBytes(UTF_8));
    Files.move(unfinished, directory.resolve(name), StandardCopyOption.ATOMIC_MOVE);
  }

  static void write(Path file, byte[] content) throws IOException {
    Files.write(file, content);
    sync(file);
  }

  private static void sync(Path path) throws IOException {
    try (FileChannel open = FileChannel.open(path, StandardOpenOption.READ)) {
      open.force(true);
    }
  }

  static JsonNode json(Path file) {
    try {
      return JsonMapper.shared().readTree(Files.readString(file));
    } catch (IOException | JacksonException e) {
      throw new CheckpointFormatException(
          CheckpointFault.UNREADABLE, "cannot read " + file + ": " + e.getMessage(), e);
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new ResourceException("cannot close the lock of " + directory + ": " + e, e);
    }
  }
}
