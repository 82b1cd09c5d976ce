package dev.upcycle.data;

import java.util.List;

/// Samples that can be made one by one, in any order and by any thread, always the same.
///
/// Owns the file that it reads from until it is closed.
public sealed interface SampleSet extends AutoCloseable
    permits RowSamples, PackedRows, PackedTexts {
  /// How many there are.
  int size();

  /// Makes one.
  ///
  /// @throws DataException naming the row when it is bad
  Sample sample(int index);

  /// Of each sample its length in words, below 0 where it has no image, never 0.
  List<Integer> lengths();

  /// Rows that were passed over when it was opened.
  List<DataException> skipped();

  @Override
  void close();
}
