package dev.upcycle.checkpoint.write;

import dev.upcycle.checkpoint.TensorSpec;
import dev.upcycle.checkpoint.safetensors.SafetensorsHeader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Locale;

/// One safetensors file by itself, such as a file of routers.
public final class TensorFile {
  private TensorFile() {}

  /// Where the data come from.
  @FunctionalInterface
  public interface Source {
    /// All bytes of a tensor, little-endian, ready to be read.
    ByteBuffer bytes(TensorSpec tensor);
  }

  /// Writes a new file, or replaces one, in one step: a crash leaves the old content or the new.
  ///
  /// @param tensors in any order; they are laid out as the safetensors crate does
  /// @throws ResourceException when the system refuses
  public static void write(Path file, List<TensorSpec> tensors, Source source) {
    Path target = file.toAbsolutePath();
    Path temporary = target.resolveSibling(target.getFileName() + Durability.TEMPORARY);
    List<TensorSpec> ordered = SafetensorsHeader.canonicalOrder(tensors);
    try {
      try {
        fill(temporary, ordered, source);
        Files.move(
            temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      } finally {
        Files.deleteIfExists(temporary);
      }
      Durability.syncDirectory(Durability.directoryOf(target));
    } catch (IOException e) {
      throw ResourceException.refused(file, e);
    }
  }

  private static void fill(Path file, List<TensorSpec> ordered, Source source) throws IOException {
    try (FileChannel channel =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      put(channel, ByteBuffer.wrap(SafetensorsHeader.encode(ordered)));
      for (TensorSpec tensor : ordered) {
        ByteBuffer bytes = source.bytes(tensor);
        if (bytes.remaining() != tensor.bytes()) {
          throw new IllegalArgumentException(
              String.format(
                  Locale.ROOT,
                  "%d bytes for '%s', expected %d",
                  bytes.remaining(),
                  tensor.name(),
                  tensor.bytes()));
        }
        put(channel, bytes);
      }
      channel.force(true);
    }
  }

  private static void put(FileChannel channel, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }
}
