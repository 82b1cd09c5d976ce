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

  /// Whether a file's name is one that archives of torch have.
  public static boolean named(Path file) {
    return String.valueOf(file.getFileName()).matches(".*\\.(bin|pt|pth)");
  }

  /// Reads directory and pickle of a file, no storage. Nothing in it is run or imported.
  ///
  /// @throws CheckpointFormatException naming the file and what is wrong
  public static TorchArchive read(Path file) {
    return ArchiveFile.read(file);
  }
}
