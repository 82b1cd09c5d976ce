package dev.upcycle.checkpoint.write;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;

/// Keeps the output away from the source, symbolic links followed on both sides.
public final class OutputGuard {
  private OutputGuard() {}

  /// Refuses an output that is, lies in, or holds the source; `OUT.partial` counts as well.
  ///
  /// @param out the directory to make, which need not exist
  /// @param source the directory that is read, which exists
  /// @throws OutputException saying how the two meet
  public static void check(Path out, Path source) {
    Path from = real(source);
    OutputPaths paths = OutputPaths.of(out);
    check(paths.out(), from, "--out " + paths.out());
    check(paths.partial(), from, "the working directory " + paths.partial());
  }

  private static void check(Path target, Path source, String what) {
    if (target.equals(source)) {
      throw refusal(what, "is the source itself");
    }
    if (target.startsWith(source)) {
      throw refusal(what, "lies inside the source " + source);
    }
    if (source.startsWith(target)) {
      throw refusal(what, "holds the source " + source);
    }
  }

  private static OutputException refusal(String what, String how) {
    return new OutputException(
        what + " " + how + ", which is only ever read; name a directory elsewhere with --out");
  }

  /// The path with its links followed as far as it exists.
  static Path real(Path path) {
    Path absolute = path.toAbsolutePath();
    Path existing = absolute;
    while (!Files.exists(existing, LinkOption.NOFOLLOW_LINKS)) {
      Path parent = existing.getParent();
      if (parent == null) {
        return absolute.normalize();
      }
      existing = parent;
    }
    try {
      return existing.toRealPath().resolve(existing.relativize(absolute)).normalize();
    } catch (IOException e) {
      throw new OutputException(
          existing + " cannot be followed: is it a symbolic link to something that is gone?", e);
    }
  }
}
