package dev.upcycle.checkpoint.safetensors;

import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import java.nio.file.Path;
import java.util.Locale;

/// Words the faults of one file.
///
/// @param file the file that every message begins with
record HeaderFaults(Path file) {
  CheckpointFormatException file(CheckpointFault fault, String what) {
    return new CheckpointFormatException(fault, file + ": " + what);
  }

  CheckpointFormatException file(CheckpointFault fault, String what, Throwable cause) {
    return new CheckpointFormatException(fault, file + ": " + what, cause);
  }

  CheckpointFormatException tensor(CheckpointFault fault, String name, String what) {
    return new CheckpointFormatException(
        fault,
        String.format(
            Locale.ROOT,
            "%s: tensor '%s' %s; the file is damaged or was written wrongly: download or write it"
                + " again",
            file,
            name,
            what));
  }

  /// The text, when it holds no half of a surrogate pair.
  String wellFormed(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (Character.isSurrogate(text.charAt(i))) {
        requirePairs(text);
        return text;
      }
    }
    return text;
  }

  private void requirePairs(String text) {
    int i = 0;
    while (i < text.length()) {
      int c = text.codePointAt(i);
      if (c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE) {
        throw file(
            CheckpointFault.HEADER_LONE_SURROGATE,
            String.format(
                    Locale.ROOT,
                    "a text of the header has the escape \\u%04x without its partner, expected a"
                        + " pair; ",
                    c)
                + "write the file again");
      }
      i += Character.charCount(c);
    }
  }
}
