package dev.upcycle.checkpoint.write;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The open files that one source range goes to, each file opened once.
///
/// Used by one thread: a channel's position is set before each transfer.
final class Destinations implements AutoCloseable {
  private final List<FileRange.Start> starts;
  private final Map<Path, FileChannel> channels = new LinkedHashMap<>();

  private Destinations(List<FileRange.Start> starts) {
    this.starts = List.copyOf(starts);
  }

  /// Opens the files for writing; they must exist.
  static Destinations open(List<FileRange.Start> starts) {
    Destinations destinations = new Destinations(starts);
    try {
      for (FileRange.Start start : destinations.starts) {
        destinations.open(start.file());
      }
    } catch (RuntimeException e) {
      destinations.close();
      throw e;
    }
    return destinations;
  }

  private void open(Path file) {
    if (channels.containsKey(file)) {
      return;
    }
    try {
      channels.put(file, FileChannel.open(file, StandardOpenOption.WRITE));
    } catch (IOException e) {
      throw Interruption.orElse(e, cause -> ResourceException.writing(file, 0, cause));
    }
  }

  /// Moves bytes of the source to the same distance from each start.
  ///
  /// @param distance from the start of the source range
  void transfer(FileChannel from, FileRange source, long distance, long bytes) {
    for (FileRange.Start start : starts) {
      FileChannel to = channel(start);
      try {
        to.position(start.offset() + distance);
        long done = 0;
        while (done < bytes) {
          long moved = from.transferTo(source.offset() + distance + done, bytes - done, to);
          if (moved <= 0) {
            throw SourceFaults.tooShort(source, from.size());
          }
          done += moved;
        }
      } catch (IOException e) {
        throw Interruption.orElse(
            e, cause -> ResourceException.writing(start.file(), source.bytes() - distance, cause));
      }
    }
  }

  /// Writes the buffer at this distance from each start; the buffer keeps its position.
  void write(ByteBuffer content, long distance) {
    for (FileRange.Start start : starts) {
      ByteBuffer view = content.duplicate();
      long at = start.offset() + distance;
      try {
        FileChannel to = channel(start);
        while (view.hasRemaining()) {
          at += to.write(view, at);
        }
      } catch (IOException e) {
        throw Interruption.orElse(
            e, cause -> ResourceException.writing(start.file(), view.remaining(), cause));
      }
    }
  }

  /// How many places the bytes go to.
  int count() {
    return starts.size();
  }

  private FileChannel channel(FileRange.Start start) {
    FileChannel channel = channels.get(start.file());
    if (channel == null) {
      throw new IllegalStateException(start.file() + " is not open");
    }
    return channel;
  }

  @Override
  public void close() {
    for (Map.Entry<Path, FileChannel> entry : channels.entrySet()) {
      try {
        entry.getValue().close();
      } catch (IOException e) {
        throw ResourceException.writing(entry.getKey(), 0, e);
      }
    }
  }
}
