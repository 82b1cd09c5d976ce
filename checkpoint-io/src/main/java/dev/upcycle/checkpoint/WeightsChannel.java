package dev.upcycle.checkpoint;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/// Opens weights files of every format, with the refusals that all share.
public final class WeightsChannel {
  private WeightsChannel() {}

  /// Reads an open file.
  @FunctionalInterface
  public interface Reader<T> {
    /// What was read.
    T read(FileChannel channel) throws IOException;
  }

  /// Opens a file for a reader, and closes it.
  ///
  /// @param format what the file should be, such as `safetensors file`
  /// @throws CheckpointFormatException when it is not there, cannot be read, is no regular file or
  ///   stands for one that git holds elsewhere
  public static <T> T read(Path file, String format, Reader<T> reader) {
    try {
      RegularFile.require(file);
      GitLfsPointer.refuse(file);
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
        return reader.read(channel);
      }
    } catch (NoSuchFileException e) {
      throw new CheckpointFormatException(
          CheckpointFault.NO_SUCH_PATH, file + ": there is no such file; check the path", e);
    } catch (IOException e) {
      throw new CheckpointFormatException(
          CheckpointFault.UNREADABLE,
          file + ": cannot be read (" + e + "); expected a readable " + format,
          e);
    }
  }
}
