package dev.upcycle.data;

import java.util.ArrayList;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;

/// The bad rows of a file: how many, and the first of them.
final class BadRows {
  private static final int MOST_TOLD = 20;

  private final List<DataException> first = new ArrayList<>();
  private final SortedSet<RowPlace> places = new TreeSet<>();

  /// Counts one.
  ///
  /// @throws DataException the fault itself where it is not about a row
  void add(DataException fault) {
    places.add(fault.place().orElseThrow(() -> fault));
    if (first.size() < MOST_TOLD) {
      first.add(fault);
    }
  }

  List<DataException> first() {
    return first;
  }

  SortedSet<RowPlace> places() {
    return places;
  }
}
