package dev.upcycle.checkpoint.write;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;

/// The machine cannot do it now: disk full, read-only target, lock held by another run.
public final class ResourceException extends RuntimeException {
  private static final long serialVersionUID = 1;

  public ResourceException(String message) {
    super(message);
  }

  public ResourceException(String message, Throwable cause) {
    super(message, cause);
  }

  /// A file that cannot be written, told without the names of classes.
  public static ResourceException refused(Path file, IOException cause) {
    String reason =
        switch (cause) {
          case NoSuchFileException _ -> "its folder does not exist or takes no files";
          case AccessDeniedException _ -> "access denied";
          case NotDirectoryException _ -> "a file lies there, expected a folder or nothing";
          case FileSystemException system when system.getReason() != null -> system.getReason();
          default -> Optional.ofNullable(cause.getMessage()).orElse(cause.toString());
        };
    return new ResourceException("cannot write " + file + ": " + reason, cause);
  }

  /// A write that the system refused, told with the way out.
  ///
  /// @param file what was being written
  /// @param needed bytes that were still to be written there
  static ResourceException writing(Path file, long needed, IOException cause) {
    String reason = Optional.ofNullable(cause.getMessage()).orElse(cause.toString());
    String lower = reason.toLowerCase(Locale.ROOT);
    if (lower.contains("no space left") || lower.contains("quota exceeded")) {
      return new ResourceException(
          String.format(
              Locale.ROOT,
              "the disk is full while writing %s: %s more needed there, %s free; free some space,"
                  + " then run again with --resume",
              file,
              ByteSizes.text(needed),
              free(file)),
          cause);
    }
    if (cause instanceof AccessDeniedException
        || lower.contains("read-only")
        || lower.contains("permission denied")
        || lower.contains("not permitted")) {
      return new ResourceException(
          String.format(
              Locale.ROOT,
              "%s may not be written: %s; choose an --out that you may write to",
              file,
              reason),
          cause);
    }
    return new ResourceException(
        String.format(
            Locale.ROOT,
            "writing %s failed: %s; when that is mended, run again with --resume",
            file,
            reason),
        cause);
  }

  private static String free(Path file) {
    try {
      Path directory = file.toAbsolutePath().getParent();
      return directory == null
          ? "unknown"
          : ByteSizes.text(Files.getFileStore(directory).getUsableSpace());
    } catch (IOException e) {
      return "unknown";
    }
  }
}
