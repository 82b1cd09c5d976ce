package dev.upcycle.checkpoint;

import java.util.List;

/// What a weights file holds and where, as its own header tells.
public interface WeightsHeader {
  /// The file, as it was when the header was read.
  SourceFile file();

  /// Its tensors, in the order of their data.
  List<TensorEntry> tensors();

  /// What was passed over in the file and why, for the user to see.
  default List<String> notes() {
    return List.of();
  }
}
