package dev.upcycle.data;

import java.nio.file.Path;
import java.util.OptionalLong;

/// A data file cannot be read, or one of its rows cannot be used.
///
/// The message names the file, the row, counted from 0, and the reason.
public final class DataException extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private static final long WHOLE_FILE = -1;

  private final long row;

  private DataException(String message, long row) {
    super(message);
    this.row = row;
  }

  /// Something about a whole file.
  public static DataException ofFile(Path file, String reason) {
    return new DataException(file + ": " + reason, WHOLE_FILE);
  }

  /// Something about one row.
  public static DataException ofRow(Path file, long row, String reason) {
    return new DataException("%s, row %d: %s".formatted(file, row, reason), row);
  }

  /// The row, where it is about one; such a fault can be skipped, others cannot.
  public OptionalLong row() {
    return row == WHOLE_FILE ? OptionalLong.empty() : OptionalLong.of(row);
  }
}
