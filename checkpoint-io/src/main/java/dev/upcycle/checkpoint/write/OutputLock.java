package dev.upcycle.checkpoint.write;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/// The right of one run to work on an OUT; the system takes it back when the process dies.
final class OutputLock implements AutoCloseable {
  /// POSIX gives a lock to the process and drops it when any channel on the file is closed, so a
  /// second try in this process must not even open the file.
  private static final Set<Path> HELD_BY_THIS_PROCESS = ConcurrentHashMap.newKeySet();

  private final Path file;
  private final FileChannel channel;

  private OutputLock(Path file, FileChannel channel) {
    this.file = file;
    this.channel = channel;
  }

  /// Takes the lock.
  ///
  /// @throws ResourceException naming OUT and the run that holds it
  static OutputLock acquire(OutputPaths paths) throws IOException {
    Path file = paths.lock();
    if (!HELD_BY_THIS_PROCESS.add(file)) {
      throw held(paths);
    }
    try {
      Optional<FileChannel> channel = Optional.empty();
      while (channel.isEmpty()) {
        channel = tryOnce(paths);
      }
      return new OutputLock(file, channel.get());
    } catch (IOException | RuntimeException e) {
      HELD_BY_THIS_PROCESS.remove(file);
      throw e;
    }
  }

  /// Empty when the run that held the lock removed the file meanwhile: another try is due.
  private static Optional<FileChannel> tryOnce(OutputPaths paths) throws IOException {
    Path file = paths.lock();
    FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    try {
      Optional<Object> opened = identity(file);
      FileLock lock = channel.tryLock();
      if (lock == null) {
        throw held(paths);
      }
      if (opened.isPresent() && Objects.equals(opened, identity(file))) {
        return Optional.of(channel);
      }
      channel.close();
      return Optional.empty();
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  private static Optional<Object> identity(Path file) throws IOException {
    try {
      BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
      return Optional.of(
          Objects.requireNonNullElse(attributes.fileKey(), attributes.creationTime()));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
  }

  private static ResourceException held(OutputPaths paths) {
    String holder =
        Journal.find(paths.journal())
            .map(journal -> " (process " + journal.process() + ")")
            .orElse("");
    return new ResourceException(
        String.format(
            Locale.ROOT,
            "another run%s is writing %s; wait for it or end it, or name another --out",
            holder,
            paths.out()));
  }

  /// Removes the file and gives the lock back, in this order, so that nobody locks a file that has
  /// no name any more without noticing.
  @Override
  public void close() throws IOException {
    try (channel) {
      Files.deleteIfExists(file);
    } finally {
      HELD_BY_THIS_PROCESS.remove(file);
    }
  }
}
