package dev.upcycle.checkpoint.write;

import dev.upcycle.checkpoint.write.ShardLayout.Shard;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentSkipListSet;

/// Writes a checkpoint directory into a sibling `OUT.partial` and renames it when all is there.
///
/// Life: [#begin] checks and locks OUT and lays out the shards; every shard is filled through
/// [#shard] and sealed by [#seal]; [#put] writes the small files; [#commit] gives all files their
/// names, the index last, then renames. Closing without a commit keeps `OUT.partial` for a resume
/// and releases the lock.
///
/// Until the rename no file carries the name of a weights file, a config or an index. Shards may be
/// filled, sealed and small files put from several threads at once.
public final class CheckpointWriter implements AutoCloseable {
  /// What to do with what is already there.
  public enum Mode {
    /// Refuse a non-empty OUT and an `OUT.partial` of an earlier run.
    FRESH,
    /// Keep the sealed shards of an earlier run whose facts agree; begin afresh when there is none.
    RESUME,
    /// Replace a finished OUT, removing only the files that its manifest lists.
    OVERWRITE
  }

  private static final String CONFIG = "config.json";

  private final OutputPaths paths;
  private final ShardLayout layout;
  private final OutputLock lock;
  private final PartialDirectory partial;
  private final WriteBehind writeBehind = new WriteBehind();
  private final Set<Integer> pending = new ConcurrentSkipListSet<>();
  private final SortedSet<String> smallFiles = Collections.synchronizedSortedSet(new TreeSet<>());

  /// Touched by the sync thread alone once shards are being sealed.
  private Journal journal;

  private CheckpointWriter(
      OutputPaths paths, ShardLayout layout, OutputLock lock, Preparation.Start start) {
    this.paths = paths;
    this.layout = layout;
    this.lock = lock;
    this.partial = new PartialDirectory(paths);
    this.journal = start.journal();
    this.pending.addAll(start.pending());
  }

  /// Begins writing.
  ///
  /// @param out the directory that will hold the result
  /// @param layout the shards
  /// @param facts what must agree before sealed shards are kept, by name: plan hash, source sizes
  ///   and times; the layout is compared too
  /// @throws OutputException when OUT or its partial sibling may not be used
  /// @throws ResourceException when the lock is held, the target is read-only or the disk is too
  ///   small
  public static CheckpointWriter begin(
      Path out, ShardLayout layout, Map<String, String> facts, Mode mode) {
    return begin(out, layout, facts, new Preparation(mode, FreeSpace.OF_THE_FILE_STORE));
  }

  static CheckpointWriter begin(
      Path out, ShardLayout layout, Map<String, String> facts, Preparation preparation) {
    OutputPaths paths = OutputPaths.of(out);
    try {
      paths.requireUsable();
      Files.createDirectories(paths.parent());
      OutputLock lock = OutputLock.acquire(paths);
      try {
        Preparation.Start start = preparation.prepare(paths, layout, facts);
        declareShards(new PartialDirectory(paths), layout, start.pending());
        return new CheckpointWriter(paths, layout, lock, start);
      } catch (IOException | RuntimeException e) {
        lock.close();
        throw e;
      }
    } catch (IOException e) {
      throw Interruption.orElse(
          e, cause -> ResourceException.writing(paths.partial(), layout.fileBytes(), cause));
    }
  }

  /// Makes each missing shard: header written, length set, no byte of data on the disk yet.
  private static void declareShards(
      PartialDirectory partial, ShardLayout layout, List<Integer> pending) throws IOException {
    for (int index : pending) {
      Shard shard = layout.shards().get(index);
      Path file = partial.unfinished(shard.fileName());
      try (RandomAccessFile declared = new RandomAccessFile(file.toFile(), "rw")) {
        declared.setLength(shard.bytes());
        declared.write(shard.header());
      }
    }
  }

  /// The shards that still have to be written, by their position in the layout.
  public List<Integer> pending() {
    return List.copyOf(pending);
  }

  /// The file of a shard, pre-sized, its header written; valid until it is sealed.
  public Path shard(int index) {
    requirePending(index);
    Path file = partial.unfinished(layout.shards().get(index).fileName());
    writeBehind.watch(file);
    return file;
  }

  /// Takes a filled shard: it is synced in the background and then recorded, so that a resume keeps
  /// it. Later calls tell of a failure.
  ///
  /// @throws ResourceException when an earlier shard could not be synced
  public void seal(int index) {
    throwFault();
    requirePending(index);
    pending.remove(index);
    Shard shard = layout.shards().get(index);
    writeBehind.seal(
        partial.unfinished(shard.fileName()),
        () -> {
          journal = journal.with(shard.fileName(), shard.bytes());
          journal.write(paths.journal());
        });
  }

  private void requirePending(int index) {
    if (!pending.contains(index)) {
      throw new IllegalArgumentException("shard " + index + " is not pending: " + pending);
    }
  }

  private void throwFault() {
    writeBehind
        .fault()
        .ifPresent(fault -> {
          throw ResourceException.writing(fault.file(), layout.fileBytes(), fault.cause());
        });
  }

  /// Writes and syncs a small file beside the shards; it gets its name at the commit.
  public void put(String fileName, byte[] content) {
    requireSmallFileName(fileName);
    Path file = partial.unfinished(fileName);
    try {
      Durability.write(file, content);
    } catch (IOException e) {
      throw Interruption.orElse(e, cause -> ResourceException.writing(file, content.length, cause));
    }
    smallFiles.add(fileName);
  }

  private void requireSmallFileName(String fileName) {
    boolean taken =
        fileName.equals(ShardLayout.INDEX_FILE_NAME)
            || layout.shards().stream().anyMatch(shard -> shard.fileName().equals(fileName));
    if (taken || !FinishedOutput.isPlain(fileName)) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "'%s' is %s",
              fileName,
              taken ? "the writer's own file" : "not a file name"));
    }
  }

  /// Waits for the shards to reach the disk, gives every file its name (the index last, when there
  /// is more than one shard) and renames the directory to OUT.
  ///
  /// @throws IllegalStateException when a shard is not sealed
  /// @throws OutputException when OUT is no longer what it was at the beginning
  /// @throws ResourceException when the disk refuses
  public void commit() {
    if (!pending.isEmpty()) {
      throw new IllegalStateException("shards not sealed: " + pending);
    }
    writeBehind.await();
    throwFault();
    Interruption.check();
    try {
      nameFiles();
      replaceOut();
      partial.finishCommit();
      Durability.syncDirectory(paths.parent());
    } catch (IOException e) {
      throw Interruption.orElse(e, cause -> ResourceException.writing(paths.out(), 0, cause));
    }
  }

  private void nameFiles() throws IOException {
    for (Shard shard : layout.shards()) {
      name(shard.fileName());
    }
    for (String fileName : Set.copyOf(smallFiles)) {
      if (!fileName.equals(CONFIG)) {
        name(fileName);
      }
    }
    if (smallFiles.contains(CONFIG)) {
      name(CONFIG);
    }
    if (layout.index().isPresent()) {
      Durability.write(
          partial.unfinished(ShardLayout.INDEX_FILE_NAME), layout.index().orElseThrow());
      name(ShardLayout.INDEX_FILE_NAME);
    }
    Durability.syncDirectory(paths.files());
  }

  private void name(String fileName) throws IOException {
    Files.move(partial.unfinished(fileName), paths.files().resolve(fileName));
  }

  private void replaceOut() throws IOException {
    if (journal.replaces() && paths.outHoldsFiles()) {
      FinishedOutput.require(paths.out());
      Files.move(paths.out(), paths.replaced(), StandardCopyOption.ATOMIC_MOVE);
    }
    if (paths.outHoldsFiles()) {
      throw filledMeanwhile();
    }
    try {
      Files.move(paths.files(), paths.out(), StandardCopyOption.ATOMIC_MOVE);
    } catch (DirectoryNotEmptyException | FileAlreadyExistsException e) {
      throw filledMeanwhile();
    }
    Durability.syncDirectory(paths.parent());
  }

  private OutputException filledMeanwhile() {
    return new OutputException(
        String.format(
            Locale.ROOT,
            "%s was filled by something else while this run worked; the result waits in %s: move %s away and run again with --resume",
            paths.out(),
            paths.partial(),
            paths.out()));
  }

  /// Releases the lock; without a commit the partial directory stays for a resume.
  @Override
  public void close() {
    writeBehind.close();
    try {
      lock.close();
    } catch (IOException e) {
      throw ResourceException.writing(paths.lock(), 0, e);
    }
  }
}
