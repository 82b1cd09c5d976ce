package dev.upcycle.data;

import java.util.Comparator;

/// A row of a file.
///
/// @param file its path
/// @param row from 0
public record RowPlace(String file, long row) implements Comparable<RowPlace> {
  private static final Comparator<RowPlace> ORDER =
      Comparator.comparing(RowPlace::file).thenComparingLong(RowPlace::row);

  @Override
  public int compareTo(RowPlace other) {
    return ORDER.compare(this, other);
  }
}
