package dev.upcycle.checkpoint.write;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/// Writes a checkpoint directory into a sibling `OUT.partial` and renames it when all is there.
///
/// Life: [#begin] checks and locks OUT and lays out the shards; every shard is filled through
/// [#shard] and sealed by [#seal]; [#put] writes the small files; [#commit] writes the index, then
/// renames. Closing without a commit keeps `OUT.partial` for a resume and releases the lock.
public final class CheckpointWriter implements AutoCloseable {
  /// What to do with what is already there.
  public enum Mode {
    /// Refuse a non-empty OUT and an `OUT.partial` of an earlier run.
    FRESH,
    /// Keep the sealed shards of an earlier run whose facts agree.
    RESUME,
    /// Replace a finished OUT, removing only the files that its manifest lists.
    OVERWRITE
  }

  /// Begins writing.
  ///
  /// @param out the directory that will hold the result
  /// @param layout the shards
  /// @param facts what must agree before sealed shards are kept, by name: plan hash, source sizes
  ///   and times
  /// @throws OutputException when OUT or its partial sibling may not be used
  /// @throws ResourceException when the lock is held, the target is read-only or the disk is too
  ///   small
  public static CheckpointWriter begin(
      Path out, ShardLayout layout, Map<String, String> facts, Mode mode) {
    throw new UnsupportedOperationException();
  }

  /// The shards that still have to be written, by their position in the layout.
  public List<Integer> pending() {
    throw new UnsupportedOperationException();
  }

  /// The file of a shard, pre-sized, its header written; valid until it is sealed.
  public Path shard(int index) {
    throw new UnsupportedOperationException();
  }

  /// Syncs a filled shard to disk and records it, so that a resume keeps it.
  public void seal(int index) {
    throw new UnsupportedOperationException();
  }

  /// Writes and syncs a small file beside the shards.
  public void put(String fileName, byte[] content) {
    throw new UnsupportedOperationException();
  }

  /// Writes the index (when there is more than one shard), syncs the directory and renames it to
  /// OUT.
  public void commit() {
    throw new UnsupportedOperationException();
  }

  /// Releases the lock; without a commit the partial directory stays for a resume.
  @Override
  public void close() {
    throw new UnsupportedOperationException();
  }
}
