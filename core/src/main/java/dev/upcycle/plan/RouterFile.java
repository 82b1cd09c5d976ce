package dev.upcycle.plan;

import dev.upcycle.checkpoint.SourceFile;

/// A file that routers are taken from.
///
/// @param source as it was when its header was read
/// @param sha256 of all of its bytes, lower-case hexadecimal
public record RouterFile(SourceFile source, String sha256) {
  /// The file's name without its folder.
  public String name() {
    return String.valueOf(source.path().getFileName());
  }
}
