package dev.upcycle.data;

import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;

/// A data file cannot be read, or one of its rows cannot be used.
///
/// The message names the file, the row, counted from 0, and the reason.
public final class DataException extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private static final long WHOLE_FILE = -1;

  private final String file;
  private final long row;

  private DataException(String message, String file, long row) {
    super(message);
    this.file = file;
    this.row = row;
  }

  /// Something about a whole file.
  public static DataException ofFile(Path file, String reason) {
    return new DataException(file + ": " + reason, file.toString(), WHOLE_FILE);
  }

  /// Something about one row.
  public static DataException ofRow(Path file, long row, String reason) {
    return new DataException("%s, row %d: %s".formatted(file, row, reason), file.toString(), row);
  }

  /// The row, where it is about one; such a fault can be skipped, others cannot.
  public OptionalLong row() {
    return row == WHOLE_FILE ? OptionalLong.empty() : OptionalLong.of(row);
  }

  /// The row and its file, where it is about one.
  public Optional<RowPlace> place() {
    return row == WHOLE_FILE ? Optional.empty() : Optional.of(new RowPlace(file, row));
  }

  /// The same fault, with more said.
  DataException and(String more) {
    return new DataException(getMessage() + "; " + more, file, row);
  }
}
