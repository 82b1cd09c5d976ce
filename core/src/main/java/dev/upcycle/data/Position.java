package dev.upcycle.data;

/// Where a [BatchSource] stands; with the same data, order and settings it goes on from there.
///
/// @param epoch how many times all samples were passed
/// @param next the place in the epoch's order of the first sample that was not taken yet
/// @param skipped rows that were passed over because they are bad
public record Position(long epoch, long next, long skipped) {
  /// The beginning.
  public static final Position START = new Position(0, 0, 0);

  /// Refuses what is below 0.
  public Position {
    if (epoch < 0 || next < 0 || skipped < 0) {
      throw new IllegalArgumentException(
          "epoch %d, next %d, skipped %d; expected none below 0".formatted(epoch, next, skipped));
    }
  }

  Position passed(long samples) {
    return new Position(next + 1 == samples ? epoch + 1 : epoch, (next + 1) % samples, skipped);
  }

  Position withSkipped() {
    return new Position(epoch, next, skipped + 1);
  }
}
