package dev.upcycle.verify;

import dev.upcycle.checkpoint.TensorEntry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;

/// Reads slices of tensors. Owns the few channels that it keeps open until it is closed.
final class TensorBytes implements AutoCloseable {
  private static final int MOST_OPEN = 64;

  private final Map<Path, FileChannel> channels = new LinkedHashMap<>();

  /// Fills the buffer from this byte of the tensor on, and flips it; it stays short only where the
  /// file ends.
  void read(TensorEntry tensor, long from, ByteBuffer into) {
    try {
      FileChannel channel = open(tensor.file());
      long position = tensor.offset() + from;
      while (into.hasRemaining()) {
        int read = channel.read(into, position);
        if (read < 0) {
          break;
        }
        position += read;
      }
      into.flip();
    } catch (IOException e) {
      throw new UncheckedIOException(tensor.file() + ": " + e.getMessage(), e);
    }
  }

  private FileChannel open(Path file) throws IOException {
    FileChannel open = channels.get(file);
    if (open == null) {
      if (channels.size() >= MOST_OPEN) {
        close();
      }
      open = FileChannel.open(file, StandardOpenOption.READ);
      channels.put(file, open);
    }
    return open;
  }

  @Override
  public void close() {
    try {
      for (FileChannel channel : channels.values()) {
        channel.close();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } finally {
      channels.clear();
    }
  }
}
