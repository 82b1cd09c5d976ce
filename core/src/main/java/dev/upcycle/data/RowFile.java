package dev.upcycle.data;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/// A file of rows: a JSON array of any length, JSON lines, or a text.
///
/// Holds where its rows lie, 16 bytes for each, and one row at a time; any row can be read at any
/// time, by any thread. Rows are counted from 0 in the order of the file. Keeps the file open until
/// it is closed.
public final class RowFile implements AutoCloseable {
  private static final long LONGEST_ROW = 1L << 28;

  private final Path file;
  private final Format format;
  private final FileChannel channel;
  private final RowSpans spans;

  private RowFile(Path file, Format format, FileChannel channel, RowSpans spans) {
    this.file = file;
    this.format = format;
    this.channel = channel;
    this.spans = spans;
  }

  /// How a file holds its rows.
  public enum Format {
    /// A JSON array of objects, as LLaVA's data sets are.
    JSON_ARRAY,
    /// A JSON object a line.
    JSON_LINES,
    /// Text in UTF-8: one row.
    TEXT
  }

  /// Finds the rows of a file. `.txt` and `.md` are text; `.json` and `.jsonl` are an array or
  /// lines, as their first character says.
  ///
  /// @throws DataException when it cannot be read, has no rows, or is of another kind
  public static RowFile open(Path file) {
    if (!Files.isRegularFile(file)) {
      throw DataException.ofFile(file, Files.exists(file) ? "is no file" : "there is no such file");
    }
    try {
      FileChannel channel = FileChannel.open(file);
      try {
        Format format = format(file, channel);
        RowSpans spans = spans(file, channel, format);
        if (spans.rows() == 0) {
          throw DataException.ofFile(file, "has no rows");
        }
        return new RowFile(file, format, channel, spans);
      } catch (IOException | RuntimeException e) {
        channel.close();
        throw e;
      }
    } catch (AccessDeniedException e) {
      throw DataException.ofFile(file, "access denied; it must be readable");
    } catch (IOException e) {
      throw new UncheckedIOException(file + ": " + e, e);
    }
  }

  private static Format format(Path file, FileChannel channel) throws IOException {
    String name = file.toString().toLowerCase(Locale.ROOT);
    if (name.endsWith(".txt") || name.endsWith(".md")) {
      return Format.TEXT;
    }
    if (name.endsWith(".json") || name.endsWith(".jsonl")) {
      return RowScanner.firstByte(file, channel) == '[' ? Format.JSON_ARRAY : Format.JSON_LINES;
    }
    throw DataException.ofFile(
        file, "of an unknown kind by its name; expected .json, .jsonl, .txt or .md");
  }

  private static RowSpans spans(Path file, FileChannel channel, Format format) throws IOException {
    return switch (format) {
      case JSON_ARRAY -> RowScanner.array(file, channel);
      case JSON_LINES -> RowScanner.lines(file, channel);
      case TEXT -> {
        RowSpans whole = new RowSpans();
        if (channel.size() > 0) {
          whole.add(0, channel.size());
        }
        yield whole;
      }
    };
  }

  /// The file.
  public Path file() {
    return file;
  }

  /// How it holds its rows.
  public Format format() {
    return format;
  }

  /// How many rows it has.
  public long rows() {
    return spans.rows();
  }

  /// How many bytes its rows have together, and what lies between them.
  public long bytes() {
    return spans.end(rows() - 1) - spans.start(0);
  }

  /// The byte at which a row begins.
  public long start(long row) {
    return spans.start(checked(row));
  }

  /// Reads a row.
  ///
  /// @throws DataException naming the row when it is no row that is understood
  /// @throws IndexOutOfBoundsException when there is no such row
  public DataRow row(long row) {
    byte[] bytes = bytes(checked(row));
    return switch (format) {
      case JSON_ARRAY, JSON_LINES -> new RowParser(file, row).parse(bytes);
      case TEXT -> new DataRow.Text(text(bytes, row));
    };
  }

  private long checked(long row) {
    if (row < 0 || row >= rows()) {
      throw new IndexOutOfBoundsException(
          "%s has rows 0 to %d, not %d".formatted(file, rows() - 1, row));
    }
    return row;
  }

  private byte[] bytes(long row) {
    long start = spans.start(row);
    long length = spans.end(row) - start;
    if (length > LONGEST_ROW) {
      throw DataException.ofRow(
          file, row, "%d bytes, at most %d are read; split it".formatted(length, LONGEST_ROW));
    }
    ByteBuffer buffer = ByteBuffer.allocate(Math.toIntExact(length));
    try {
      while (buffer.hasRemaining()) {
        if (channel.read(buffer, start + buffer.position()) < 0) {
          throw DataException.ofFile(file, "became shorter while it was read");
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(file + ": " + e, e);
    }
    return buffer.array();
  }

  private String text(byte[] bytes, long row) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw DataException.ofRow(file, row, "not text in UTF-8");
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new UncheckedIOException(file + ": " + e, e);
    }
  }
}
