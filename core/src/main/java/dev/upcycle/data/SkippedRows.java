package dev.upcycle.data;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;

/// The bad rows that a stage passes over, wherever it meets them: a row counts once, however often
/// it is met.
public final class SkippedRows {
  private final SkipLimit limit;
  private final SortedSet<RowPlace> rows = new TreeSet<>();
  private final List<DataException> untold = new ArrayList<>();

  /// None so far.
  public SkippedRows(SkipLimit limit) {
    this.limit = limit;
  }

  /// Passes over a bad row.
  ///
  /// @throws DataException the fault itself where it is not about a row, or one too many
  public void pass(DataException fault) {
    RowPlace place = fault.place().orElseThrow(() -> fault);
    if (!rows.contains(place)) {
      limit.pass(fault, rows.size());
      rows.add(place);
      untold.add(fault);
    }
  }

  /// Counts rows that were passed over before, by a process that was ended perhaps; nobody is told
  /// of them again.
  void resume(Collection<RowPlace> before) {
    rows.addAll(before);
  }

  /// All rows that were passed over.
  public List<RowPlace> rows() {
    return List.copyOf(rows);
  }

  /// The faults since the last call.
  public List<DataException> told() {
    List<DataException> told = List.copyOf(untold);
    untold.clear();
    return told;
  }
}
