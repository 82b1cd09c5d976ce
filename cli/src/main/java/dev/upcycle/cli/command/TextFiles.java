package dev.upcycle.cli.command;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/// Reads texts that a user names.
final class TextFiles {
  private static final String BYTE_ORDER_MARK = "\uFEFF";

  private TextFiles() {}

  /// A file's text, which must be UTF-8; a byte order mark at its beginning is no part of it.
  static String read(Path file) {
    if (Files.isDirectory(file)) {
      throw unfit(file, "a directory; expected a text file");
    }
    try {
      String text = Files.readString(file);
      return text.startsWith(BYTE_ORDER_MARK) ? text.substring(1) : text;
    } catch (NoSuchFileException e) {
      throw new UncheckedIOException(e);
    } catch (CharacterCodingException e) {
      throw unfit(file, "not a text in UTF-8");
    } catch (IOException e) {
      throw new UncheckedIOException(file + ": cannot be read: " + e.getMessage(), e);
    }
  }

  /// A text that cannot be used, and why.
  static UncheckedIOException unfit(Path file, String reason) {
    return new UncheckedIOException(file + ": " + reason, new IOException(reason));
  }
}
