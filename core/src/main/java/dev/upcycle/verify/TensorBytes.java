package dev.upcycle.verify;

import dev.upcycle.checkpoint.GatheredTensor;
import dev.upcycle.checkpoint.TensorEntry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Reads slices of tensors, in row-major order. Owns the few channels that it keeps open, and the
/// mapping of the last tensor that lies in another order, until it is closed.
public final class TensorBytes implements AutoCloseable {
  private static final int MOST_OPEN = 64;

  private record Gathered(TensorEntry entry, GatheredTensor tensor) {}

  private final Map<Path, FileChannel> channels = new LinkedHashMap<>();
  private @Nullable Gathered gathered;

  /// Fills the buffer from this byte of the tensor on, and flips it; it stays short only where the
  /// file ends.
  public void read(TensorEntry tensor, long from, ByteBuffer into) {
    if (!tensor.contiguous()) {
      gathered(tensor).read(from * Byte.SIZE / tensor.dtype().bits(), into);
      into.flip();
      return;
    }
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

  private GatheredTensor gathered(TensorEntry entry) {
    Gathered last = gathered;
    if (last != null && last.entry().equals(entry)) {
      return last.tensor();
    }
    closeGathered();
    Gathered opened = new Gathered(entry, GatheredTensor.open(entry));
    gathered = opened;
    return opened.tensor();
  }

  private void closeGathered() {
    if (gathered != null) {
      gathered.tensor().close();
      gathered = null;
    }
  }

  private FileChannel open(Path file) throws IOException {
    FileChannel open = channels.get(file);
    if (open == null) {
      if (channels.size() >= MOST_OPEN) {
        closeChannels();
      }
      open = FileChannel.open(file, StandardOpenOption.READ);
      channels.put(file, open);
    }
    return open;
  }

  @Override
  public void close() {
    closeGathered();
    closeChannels();
  }

  private void closeChannels() {
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
