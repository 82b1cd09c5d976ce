package dev.upcycle.data;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;

/// Finds the rows of a file by its bytes alone, whatever its length.
///
/// Only what separates rows is looked at; whether a row is right is seen when it is read, so that
/// one bad row does not hide the others.
final class RowScanner {
  private static final int WINDOW = 1 << 20;
  private static final int END = -1;

  private final Path file;
  private final FileChannel channel;
  private final ByteBuffer window = ByteBuffer.allocate(WINDOW).limit(0);
  private final RowSpans spans = new RowSpans();
  private long windowStart;

  private RowScanner(Path file, FileChannel channel) {
    this.file = file;
    this.channel = channel;
  }

  /// The elements of a JSON array.
  ///
  /// @throws DataException when the file is no array or ends inside it
  static RowSpans array(Path file, FileChannel channel) throws IOException {
    return new RowScanner(file, channel).elements();
  }

  /// The lines that are not blank.
  static RowSpans lines(Path file, FileChannel channel) throws IOException {
    return new RowScanner(file, channel).lines();
  }

  /// The first byte that is not blank; -1 when there is none.
  static int firstByte(Path file, FileChannel channel) throws IOException {
    return new RowScanner(file, channel).next();
  }

  private RowSpans lines() throws IOException {
    for (int first = next(); first != END; first = next()) {
      long start = place();
      long end = start + 1;
      for (int each = read(); each != END && each != '\n'; each = read()) {
        end = blank(each) ? end : place() + 1;
      }
      spans.add(start, end);
    }
    return spans;
  }

  private RowSpans elements() throws IOException {
    if (next() != '[') {
      throw DataException.ofFile(file, "expected a JSON array, which begins with '['");
    }
    int separator = next();
    while (separator != ']') {
      int after = element(separator);
      separator = blank(after) ? next() : after;
      if (separator == ',') {
        separator = next();
        if (separator == ']') {
          throw wrong("a row after ','", separator);
        }
      } else if (separator != ']') {
        throw wrong("',' or ']' after row " + (spans.rows() - 1), separator);
      }
    }
    int rest = next();
    if (rest != END) {
      throw wrong("nothing after the array", rest);
    }
    return spans;
  }

  /// Passes over a value and gives the byte after it.
  private int element(int first) throws IOException {
    if (first == END || first == ',') {
      throw wrong("row " + spans.rows(), first);
    }
    long start = place();
    int depth = 0;
    int each = first;
    do {
      switch (each) {
        case '{', '[' -> depth++;
        case '}', ']' -> depth--;
        case '"' -> string(start);
        default -> {
          if (each == END) {
            throw unclosed(start);
          }
        }
      }
      each = read();
    } while (depth > 0 || !(each == ',' || each == ']' || each == END || blank(each)));
    spans.add(start, each == END ? channel.size() : place());
    return each;
  }

  private void string(long start) throws IOException {
    for (int each = read(); each != '"'; each = read()) {
      if (each == '\\') {
        each = read();
      }
      if (each == END) {
        throw unclosed(start);
      }
    }
  }

  private DataException unclosed(long start) {
    return DataException.ofFile(
        file,
        "row %d, which begins at byte %d, is not closed at the end of the file"
            .formatted(spans.rows(), start));
  }

  private DataException wrong(String expected, int found) {
    return DataException.ofFile(
        file,
        found == END
            ? "expected %s, found the end of the file".formatted(expected)
            : "byte %d: expected %s, found '%c'".formatted(place(), expected, (char) found));
  }

  private static boolean blank(int each) {
    return each == ' ' || each == '\n' || each == '\r' || each == '\t';
  }

  private int next() throws IOException {
    int each = read();
    while (blank(each)) {
      each = read();
    }
    return each;
  }

  private int read() throws IOException {
    if (!window.hasRemaining()) {
      windowStart += window.limit();
      window.clear();
      int count = channel.read(window, windowStart);
      window.flip();
      if (count <= 0) {
        return END;
      }
    }
    return window.get() & 0xff;
  }

  /// Of the byte that was read last.
  private long place() {
    return windowStart + window.position() - 1;
  }
}
