package dev.upcycle.recipe;

/// Where a value was written.
///
/// @param origin which layer of precedence said it
/// @param source how complaints name the file, flag or variable
/// @param line 1-based; 0 where there is no line
/// @param column 1-based; 0 where there is no column
record Place(Origin origin, String source, int line, int column) {
  /// Where defaults stand.
  static final Place DEFAULT = new Place(new Origin(Origin.Kind.DEFAULT, ""), "the defaults", 0, 0);

  Complaint complaint(KeyPath path, String message) {
    return new Complaint(source, line, column, path.toString(), message);
  }
}
