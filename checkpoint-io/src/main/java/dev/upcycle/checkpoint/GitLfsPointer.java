package dev.upcycle.checkpoint;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/// The small text that git leaves in the place of a large file when git-LFS did not fetch it.
public final class GitLfsPointer {
  private static final byte[] START = "version https://git-lfs".getBytes(StandardCharsets.US_ASCII);

  private GitLfsPointer() {}

  /// Requires that a file is not such a pointer.
  ///
  /// @throws CheckpointFormatException when it is one
  public static void refuse(Path file) throws IOException {
    byte[] start;
    try (InputStream in = Files.newInputStream(file)) {
      start = in.readNBytes(START.length);
    }
    if (Arrays.equals(start, START)) {
      throw new CheckpointFormatException(
          CheckpointFault.GIT_LFS_POINTER,
          file
              + ": is a git-LFS pointer, a small text in the place of the file; fetch the file with"
              + " 'git lfs pull' in that directory, or with 'hf download'");
    }
  }
}
