package dev.upcycle.checkpoint;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;

/// An open checkpoint: its headers and its config, no tensor bytes.
///
/// Immutable; holds no file handle. Tensors come in the order of the files and, within a file, of
/// the data.
public final class Checkpoint {
  /// Opens a directory that holds `config.json` and safetensors weights, single or sharded by an
  /// index.
  ///
  /// @throws CheckpointFormatException naming what is missing, corrupt or unsupported
  public static Checkpoint open(Path directory) {
    throw new UnsupportedOperationException();
  }

  /// Where it was opened.
  public Path directory() {
    throw new UnsupportedOperationException();
  }

  /// Its `config.json`.
  public ModelConfig config() {
    throw new UnsupportedOperationException();
  }

  /// All tensors by name, in file and data order.
  public SequencedMap<String, TensorEntry> tensors() {
    throw new UnsupportedOperationException();
  }

  /// The tensor of this name, if there is one.
  public Optional<TensorEntry> find(String name) {
    throw new UnsupportedOperationException();
  }

  /// The tensor of this name.
  ///
  /// @throws CheckpointFormatException naming it and the nearest names when there is none
  public TensorEntry require(String name) {
    throw new UnsupportedOperationException();
  }

  /// The weights files, in order.
  public List<SourceFile> files() {
    throw new UnsupportedOperationException();
  }

  /// Files that a converted model carries along unchanged: tokenizer, generation config, licence.
  public List<Path> companions() {
    throw new UnsupportedOperationException();
  }

  /// What was passed over and why, for the user to see, such as a `consolidated.safetensors` beside
  /// an index.
  public List<String> notes() {
    throw new UnsupportedOperationException();
  }

  /// Maps a tensor's bytes, read-only, for as long as the arena lives; no 2 GiB limit.
  public MemorySegment map(TensorEntry entry, Arena arena) {
    throw new UnsupportedOperationException();
  }
}
