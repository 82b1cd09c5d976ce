package dev.upcycle.data;

import java.util.List;
import java.util.Optional;
import java.util.Set;

/// What a stage's data holds, found before anything is trained.
///
/// @param rows of the file
/// @param samples that can be learned; of packed texts sequences
/// @param tokens of all samples, places of images included
/// @param learned tokens that are learned
/// @param cut samples whose end does not fit
/// @param images samples with an image
/// @param lengths how many samples are how long
/// @param bad the first bad rows, with the reason of each
/// @param badPlaces all bad rows
/// @param example a sample rendered, the first that has one
public record DataReport(
    long rows,
    long samples,
    long tokens,
    long learned,
    long cut,
    long images,
    List<Bucket> lengths,
    List<DataException> bad,
    Set<RowPlace> badPlaces,
    Optional<MaskedText> example) {
  /// Takes copies.
  public DataReport {
    lengths = List.copyOf(lengths);
    bad = List.copyOf(bad);
    badPlaces = Set.copyOf(badPlaces);
  }

  /// Samples of like length.
  ///
  /// @param from the shortest
  /// @param to the longest
  /// @param samples how many
  public record Bucket(int from, int to, long samples) {}

  /// How many bad rows there are.
  public long badRows() {
    return badPlaces.size();
  }

  /// The share of tokens that are learned; 0 where there are none.
  public double learnedShare() {
    return tokens == 0 ? 0 : (double) learned / tokens;
  }
}
