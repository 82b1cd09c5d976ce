package dev.upcycle.train;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.JsonReason;
import dev.upcycle.checkpoint.write.Durability;
import dev.upcycle.checkpoint.write.OutputException;
import dev.upcycle.checkpoint.write.ResourceException;
import dev.upcycle.convert.Manifest;
import dev.upcycle.sample.Directories;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Where a run keeps what it makes; locked against a second run until it is closed.
///
/// A folder in which nothing was done, no step and no checkpoint, is left as it was found.
final class RunFolder implements AutoCloseable {
  private static final String RECIPE = "recipe.yaml";
  private static final String IDENTITY = "run.json";
  private static final String CHECKPOINTS = "checkpoints";
  private static final String FINAL = "final";

  /// The file of a connector that was drawn for the run.
  static final String CONNECTOR = "connector.safetensors";

  private static final String ORIGIN = "training.json";
  private static final String DISCARDED = ".discarded";
  private static final String LOCK = ".lock";

  /// What a start that was killed before `run.json` may have left.
  private static final List<String> EARLIEST =
      List.of(CONNECTOR, LOCK, IDENTITY + Durability.TEMPORARY);

  private final Path directory;
  private final FileChannel channel;
  private final Found found;
  private final Set<Path> stages = ConcurrentHashMap.newKeySet();
  private @Nullable CheckpointFolder checkpoints;
  private volatile boolean kept;

  private RunFolder(Path directory, FileChannel channel, Found found) {
    this.directory = directory;
    this.channel = channel;
    this.found = found;
    this.kept = found == Found.RUN;
  }

  /// What was there before.
  private enum Found {
    NOTHING,
    FOLDER,
    RUN
  }

  /// Opens the folder of a new run, or of one that goes on.
  ///
  /// @throws OutputException when something that no run made lies in it, or when recipe, model or
  ///   data are not those that the run began with, and may not differ
  /// @throws ResourceException when another run has the folder
  static RunFolder open(RunIdentity identity, TrainRun.Place place) {
    Path directory = place.out();
    try {
      requireUsable(directory, place.mode());
      Found found =
          Files.exists(directory.resolve(IDENTITY))
              ? Found.RUN
              : Files.exists(directory) ? Found.FOLDER : Found.NOTHING;
      Files.createDirectories(directory);
      RunFolder folder = new RunFolder(directory, lock(directory.resolve(LOCK)), found);
      try {
        folder.begin(identity, place.allowed());
        return folder;
      } catch (IOException | RuntimeException e) {
        folder.close();
        throw e;
      }
    } catch (IOException e) {
      throw ResourceException.refused(directory, e);
    }
  }

  private void begin(RunIdentity identity, Set<RunChange> allowed) throws IOException {
    Path file = directory.resolve(IDENTITY);
    JsonNode begun = found == Found.RUN ? json(file) : JsonMapper.shared().nullNode();
    // Refused before anything of a run is touched, and known again with the last step.
    byte[] text = found == Found.RUN ? identity.goingOn(begun, 0, allowed) : identity.toJson();
    if (found != Found.RUN) {
      Durability.replace(file, text);
    }
    CheckpointFolder opened = CheckpointFolder.open(directory.resolve(CHECKPOINTS));
    checkpoints = opened;
    if (found == Found.RUN) {
      long step = opened.newest().map(last -> RunState.of(last).step()).orElse(0L);
      Durability.replace(file, identity.goingOn(begun, step, allowed));
    }
    Durability.replace(directory.resolve(RECIPE), identity.recipe().getBytes(UTF_8));
    for (String left : List.of(FINAL + CheckpointFolder.UNFINISHED, FINAL + DISCARDED)) {
      discard(directory.resolve(left));
    }
  }

  /// The run's checkpoints.
  CheckpointFolder checkpoints() {
    return Objects.requireNonNull(checkpoints);
  }

  /// Keeps the folder, though no checkpoint was made in it.
  void keep() {
    kept = true;
  }

  /// Refuses a folder that holds something that no run made.
  ///
  /// @throws OutputException naming it
  static void requireUsable(Path directory, TrainRun.Mode mode) throws IOException {
    switch (mode) {
      case FRESH -> requireOnly(List.of(CONNECTOR), directory);
      case RESUME -> {
        if (Files.notExists(directory.resolve(IDENTITY))) {
          requireOnly(EARLIEST, directory);
        }
      }
    }
  }

  private static void requireOnly(List<String> known, Path directory) throws IOException {
    if (Files.notExists(directory)) {
      return;
    }
    List<String> strangers;
    try (Stream<Path> inside = Files.list(directory)) {
      strangers =
          inside
              .filter(file ->
                  !(known.contains(file.getFileName().toString()) && Files.isRegularFile(file)))
              .map(file -> file.getFileName().toString())
              .sorted(
                  Comparator.comparing((String name) -> name.startsWith("."))
                      .thenComparing(name -> name))
              .toList();
    }
    if (strangers.isEmpty()) {
      return;
    }
    throw new OutputException(
        Files.exists(directory.resolve(IDENTITY))
            ? "%s is not empty, it holds %s; name another --out, or go on with its run: --resume"
                .formatted(directory, strangers.getFirst())
            : "%s is not empty, it holds %s, and no run of train; name another --out"
                .formatted(directory, strangers.getFirst()));
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
      if (!Files.isDirectory(directory.resolve((index + 1) + "-" + name))) {
        throw new OutputException(
            "%s cannot go on: its stage %d is now called %s; what was begun keeps name and place, or begin another run"
                .formatted(directory, index + 1, name));
      }
    }
  }

  /// Where a stage's metrics go.
  Path stage(int index, String name) {
    Path stage = directory.resolve((index + 1) + "-" + name);
    stages.add(stage);
    return stage;
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

  /// Makes the result of a model's folder.
  ///
  /// @param origin which model it is
  Path finish(Path model, byte[] origin) {
    Path done = directory.resolve(FINAL);
    Path unfinished = directory.resolve(FINAL + CheckpointFolder.UNFINISHED);
    Path discarded = directory.resolve(FINAL + DISCARDED);
    try {
      if (Files.exists(done)) {
        requireOwn(done, model);
      }
      Files.createDirectories(unfinished);
      try (Stream<Path> files = Files.list(model)) {
        for (Path file : files.toList()) {
          Path copy = unfinished.resolve(file.getFileName());
          Files.copy(file, copy);
          Durability.sync(copy);
        }
      }
      Durability.write(unfinished.resolve(ORIGIN), origin);
      Path manifest = unfinished.resolve(Manifest.FILE_NAME);
      if (Files.exists(manifest)) {
        Durability.replace(manifest, Manifest.read(unfinished).with(ORIGIN).toJson());
      }
      Durability.syncDirectory(unfinished);
      if (Files.exists(done)) {
        Files.move(done, discarded, StandardCopyOption.ATOMIC_MOVE);
      }
      Files.move(unfinished, done, StandardCopyOption.ATOMIC_MOVE);
      Durability.syncDirectory(directory);
      discard(discarded);
      return done;
    } catch (IOException e) {
      throw ResourceException.refused(done, e);
    }
  }

  /// Refuses to replace a result beside which somebody laid something.
  private static void requireOwn(Path done, Path model) throws IOException {
    List<String> strangers = new ArrayList<>();
    try (Stream<Path> inside = Files.list(done)) {
      for (Path file : inside.sorted().toList()) {
        String name = file.getFileName().toString();
        boolean weights = name.startsWith("model") && name.contains(".safetensors");
        if (!weights && !name.equals(ORIGIN) && Files.notExists(model.resolve(name))) {
          strangers.add(name);
        }
      }
    }
    if (!strangers.isEmpty()) {
      throw new OutputException(
          "%s is about to be replaced and holds what the run did not write: %s; move it away, then go on with --resume"
              .formatted(done, String.join(", ", strangers)));
    }
  }

  static JsonNode json(Path file) {
    String reason;
    Exception cause;
    try {
      return JsonMapper.shared().readTree(Files.readString(file));
    } catch (NoSuchFileException e) {
      reason = "there is no such file";
      cause = e;
    } catch (IOException e) {
      reason = String.valueOf(e);
      cause = e;
    } catch (JacksonException e) {
      reason = "not whole JSON, " + JsonReason.of(e);
      cause = e;
    }
    throw new CheckpointFormatException(
        CheckpointFault.UNREADABLE,
        "cannot read %s: %s; expected what a run wrote there: begin another run"
            .formatted(file, reason),
        cause);
  }

  /// Lets the folder go; where nothing was done in it, it is as it was before.
  @Override
  public void close() {
    try (FileChannel _ = channel) {
      if (!kept && (checkpoints == null || checkpoints.newest().isEmpty())) {
        undo();
      }
    } catch (IOException e) {
      throw ResourceException.refused(directory, e);
    }
  }

  private void undo() throws IOException {
    List<Path> made = new ArrayList<>(stages);
    for (String name : List.of(CHECKPOINTS, IDENTITY, RECIPE)) {
      made.add(directory.resolve(name));
      made.add(directory.resolve(name + Durability.TEMPORARY));
    }
    made.add(directory.resolve(LOCK));
    made.forEach(this::discard);
    if (found == Found.NOTHING) {
      Files.deleteIfExists(directory);
    }
  }
}
