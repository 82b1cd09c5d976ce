package dev.upcycle.data;

import java.util.ArrayList;
import java.util.List;

/// The bad rows of a file: how many, and the first of them.
final class BadRows {
  private static final int MOST_TOLD = 20;

  private final List<DataException> first = new ArrayList<>();
  private long count;

  /// Counts one.
  ///
  /// @throws DataException the fault itself where it is not about a row
  void add(DataException fault) {
    if (fault.row().isEmpty()) {
      throw fault;
    }
    count++;
    if (first.size() < MOST_TOLD) {
      first.add(fault);
    }
  }

  List<DataException> first() {
    return first;
  }

  long count() {
    return count;
  }
}
