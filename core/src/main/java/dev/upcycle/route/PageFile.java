package dev.upcycle.route;

import dev.upcycle.checkpoint.write.OutputException;
import dev.upcycle.checkpoint.write.ResourceException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;

/// A file that may take a page of routing.
///
/// @param file where the page goes
public record PageFile(Path file) {
  private static final int HEAD_BYTES = 512;

  /// What to do with a file that is there already.
  public enum Existing {
    /// Leave it and fail.
    REFUSE,
    /// Replace it where it is such a page too.
    REPLACE
  }

  /// A path that may be written.
  ///
  /// @throws OutputException when it lies in no folder, or something is there that may not be
  ///   replaced
  public static PageFile at(Path file, Existing existing) {
    Path folder = file.toAbsolutePath().getParent();
    if (folder == null || !Files.isDirectory(folder)) {
      throw new OutputException(
          file + " cannot be written: its folder does not exist; make it or choose another --html");
    }
    if (Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
      switch (existing) {
        case REFUSE ->
            throw new OutputException(
                file + " is there already; choose another --html, or --overwrite it");
        case REPLACE -> requirePage(file);
      }
    }
    return new PageFile(file);
  }

  private static void requirePage(Path file) {
    if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)
        || !head(file).contains(RoutingPage.MARK)) {
      throw new OutputException(
          file + " is no page of routing; --overwrite replaces only those: choose another --html");
    }
  }

  private static String head(Path file) {
    try (InputStream in = Files.newInputStream(file)) {
      return new String(in.readNBytes(HEAD_BYTES), StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      throw ResourceException.refused(file, e);
    }
  }

  /// Writes a page.
  ///
  /// @throws ResourceException when the system refuses
  public void write(String page) {
    try {
      Files.writeString(file, page);
    } catch (IOException e) {
      throw ResourceException.refused(file, e);
    }
  }
}
