package dev.upcycle.cli.command;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;

/// Reads texts that a user names.
final class TextFiles {
  private TextFiles() {}

  /// A file's text, which must be UTF-8.
  static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (CharacterCodingException e) {
      throw new UncheckedIOException(file + ": not a text in UTF-8", new IOException(e));
    } catch (IOException e) {
      throw new UncheckedIOException(file + ": " + e, e);
    }
  }
}
