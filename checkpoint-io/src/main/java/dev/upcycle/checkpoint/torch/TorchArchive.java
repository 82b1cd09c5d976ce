package dev.upcycle.checkpoint.torch;

import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.SourceFile;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.checkpoint.WeightsHeader;
import java.nio.file.Path;
import java.util.List;

/// What a file of `torch.save` holds: tensors by name, which stay where they lie.
///
/// @param file the file, as it was when its pickle was read
/// @param tensors in the order of their data; several may share bytes, and not all are contiguous
/// @param notes what of the pickle was passed over
public record TorchArchive(SourceFile file, List<TensorEntry> tensors, List<String> notes)
    implements WeightsHeader {
  /// Keeps copies.
  public TorchArchive {
    tensors = List.copyOf(tensors);
    notes = List.copyOf(notes);
  }

  /// Reads directory and pickle of a file, no storage. Nothing in it is run or imported.
  ///
  /// @throws CheckpointFormatException naming the file and what is wrong
  public static TorchArchive read(Path file) {
    return ArchiveFile.read(file);
  }
}
