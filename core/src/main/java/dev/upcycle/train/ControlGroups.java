package dev.upcycle.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.Predicate;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// The memory that Linux's control groups leave to a process: the least limit of its own group and
/// of those around it, of either version.
///
/// @param root where groups are mounted
/// @param membership the file that says which groups the process is in
record ControlGroups(Path root, Path membership) {
  /// Those of this process.
  static final ControlGroups OF_THIS_PROCESS =
      new ControlGroups(Path.of("/sys/fs/cgroup"), Path.of("/proc/self/cgroup"));

  private static final int FIELDS = 3;

  /// The limit in bytes; empty where there is none.
  OptionalLong limit() {
    LongStream unified = limits(root, "memory.max", path(String::isEmpty));
    LongStream separate =
        limits(
            root.resolve("memory"),
            "memory.limit_in_bytes",
            path(controllers -> List.of(controllers.split(",")).contains("memory")));
    return LongStream.concat(unified, separate).min();
  }

  /// The group's path below its mount; in a container it may be the host's, and nothing lies there.
  private Path path(Predicate<String> controllers) {
    try (Stream<String> lines = Files.lines(membership)) {
      return Path.of(
          lines
              .map(line -> line.split(":", FIELDS))
              .filter(fields -> fields.length == FIELDS && controllers.test(fields[1]))
              .map(fields -> fields[2].replaceFirst("^/+", ""))
              .findFirst()
              .orElse(""));
    } catch (IOException e) {
      return Path.of("");
    }
  }

  private static LongStream limits(Path mount, String file, Path group) {
    LongStream.Builder limits = LongStream.builder();
    Path own = mount.resolve(group).normalize();
    @Nullable Path at = own.startsWith(mount) ? own : mount;
    while (at != null && at.startsWith(mount)) {
      limit(at.resolve(file)).ifPresent(limits::add);
      at = at.getParent();
    }
    return limits.build();
  }

  /// Version 1 says 2^63 less a page where it has none.
  private static OptionalLong limit(Path file) {
    try {
      String most = Files.readString(file).strip();
      return most.matches("[0-9]{1,18}")
          ? OptionalLong.of(Long.parseLong(most))
          : OptionalLong.empty();
    } catch (IOException e) {
      return OptionalLong.empty();
    }
  }
}
