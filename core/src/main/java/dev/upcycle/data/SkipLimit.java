package dev.upcycle.data;

/// How many bad rows are passed over before one ends the run.
///
/// @param rows 0 tolerates none
public record SkipLimit(long rows) {
  /// Every bad row is an error.
  public static final SkipLimit NONE = new SkipLimit(0);

  /// Refuses what is below 0.
  public SkipLimit {
    if (rows < 0) {
      throw new IllegalArgumentException("%d rows to skip, expected at least 0".formatted(rows));
    }
  }

  /// Passes over a bad row, unless so many were already.
  ///
  /// @param already how many were passed over before it
  /// @throws DataException the fault itself where it is not about a row, or one too many
  void pass(DataException fault, long already) {
    if (fault.row().isEmpty()) {
      throw fault;
    }
    if (rows == 0) {
      throw fault.and("mend or remove it, or pass over bad rows: --skip-bad N");
    }
    if (already >= rows) {
      throw fault.and(
          "it is bad row %d, and at most %d are passed over".formatted(already + 1, rows));
    }
  }
}
