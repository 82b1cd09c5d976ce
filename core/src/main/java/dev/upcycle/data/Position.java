package dev.upcycle.data;

import java.util.List;

/// Where a [BatchSource] stands; with the same data, order and settings it goes on from there.
///
/// @param epoch how many times all samples were passed
/// @param next the place in the epoch's order of the first sample that was not taken yet
/// @param skipped rows that were passed over because they are bad, in their order, each once
public record Position(long epoch, long next, List<RowPlace> skipped) {
  /// The beginning.
  public static final Position START = new Position(0, 0, List.of());

  /// Refuses what is below 0; takes a copy.
  public Position {
    if (epoch < 0 || next < 0) {
      throw new IllegalArgumentException(
          "epoch %d, next %d; expected none below 0".formatted(epoch, next));
    }
    skipped = List.copyOf(skipped);
  }

  Position passed(long samples) {
    return new Position(next + 1 == samples ? epoch + 1 : epoch, (next + 1) % samples, skipped);
  }

  /// The same place with other rows passed over on the way.
  public Position after(List<RowPlace> rows) {
    return new Position(epoch, next, rows);
  }
}
