package dev.upcycle.data;

import java.util.Arrays;

/// Where each row of a file begins and ends, in bytes; grows while a file is scanned.
final class RowSpans {
  private static final int FIRST_ROOM = 1024;

  private long[] bounds = new long[2 * FIRST_ROOM];
  private int filled;

  /// Adds a row.
  ///
  /// @param end the byte after its last
  void add(long start, long end) {
    if (filled == bounds.length) {
      bounds = Arrays.copyOf(bounds, Math.multiplyExact(2, bounds.length));
    }
    bounds[filled++] = start;
    bounds[filled++] = end;
  }

  long rows() {
    return filled / 2;
  }

  long start(long row) {
    return bounds[Math.toIntExact(2 * row)];
  }

  long end(long row) {
    return bounds[Math.toIntExact(2 * row + 1)];
  }
}
