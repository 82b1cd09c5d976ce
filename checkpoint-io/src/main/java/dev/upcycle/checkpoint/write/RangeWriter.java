package dev.upcycle.checkpoint.write;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// Writes one run of bytes, piece after piece, to one or several places in files that exist.
///
/// Each file is opened once. Used by one thread, which closes it; an interrupt of that thread ends
/// the next write with a cancellation.
public final class RangeWriter implements AutoCloseable {
  private final List<FileRange.Start> starts;
  private final long bytes;
  private final Map<Path, FileChannel> channels = new LinkedHashMap<>();
  private long done;

  private RangeWriter(List<FileRange.Start> starts, long bytes) {
    this.starts = List.copyOf(starts);
    this.bytes = bytes;
  }

  /// Opens the files of all places.
  ///
  /// @param bytes length of the run
  /// @throws java.util.concurrent.CancellationException when the thread is interrupted
  /// @throws ResourceException when a file cannot be opened for writing
  public static RangeWriter open(List<FileRange.Start> starts, long bytes) {
    Interruption.check();
    RangeWriter writer = new RangeWriter(starts, bytes);
    try {
      for (FileRange.Start start : writer.starts) {
        writer.open(start.file());
      }
    } catch (RuntimeException e) {
      writer.closeAfter(e);
      throw e;
    }
    return writer;
  }

  private void open(Path file) {
    if (channels.containsKey(file)) {
      return;
    }
    try {
      channels.put(file, FileChannel.open(file, StandardOpenOption.WRITE));
    } catch (IOException e) {
      throw Interruption.orElse(e, cause -> ResourceException.writing(file, bytes, cause));
    }
  }

  private void closeAfter(RuntimeException failure) {
    try {
      close();
    } catch (ResourceException e) {
      failure.addSuppressed(e);
    }
  }

  /// Appends what remains in the buffer to the run, at every place; the buffer keeps its position.
  ///
  /// @throws IllegalArgumentException when the run would become longer than was said
  /// @throws java.util.concurrent.CancellationException when the thread is interrupted
  /// @throws ResourceException when the disk refuses
  public void write(ByteBuffer content) {
    int length = content.remaining();
    requireRoom(length);
    for (FileRange.Start start : starts) {
      Interruption.check();
      ByteBuffer view = content.duplicate();
      long at = start.offset() + done;
      try {
        FileChannel to = channel(start);
        while (view.hasRemaining()) {
          at += to.write(view, at);
        }
      } catch (IOException e) {
        throw Interruption.orElse(e, cause -> refused(start, cause));
      }
    }
    done += length;
  }

  /// Appends the next bytes of the source range to the run, at every place, in the kernel.
  ///
  /// @param from the open source
  /// @param source as long as the run
  void transfer(FileChannel from, FileRange source, long length) {
    requireRoom(length);
    for (FileRange.Start start : starts) {
      Interruption.check();
      transfer(from, new FileRange(source.file(), source.offset() + done, length), start);
    }
    done += length;
  }

  private void transfer(FileChannel from, FileRange slice, FileRange.Start start) {
    try {
      FileChannel to = channel(start);
      to.position(start.offset() + done);
      long moved = 0;
      while (moved < slice.bytes()) {
        long now = from.transferTo(slice.offset() + moved, slice.bytes() - moved, to);
        if (now <= 0) {
          throw SourceFaults.tooShort(slice, from.size());
        }
        moved += now;
      }
    } catch (IOException e) {
      throw Interruption.orElse(
          e,
          cause -> SourceFaults.findUnreadable(from, slice).orElseGet(() -> refused(start, cause)));
    }
  }

  private RuntimeException refused(FileRange.Start start, IOException cause) {
    return ResourceException.writing(start.file(), bytes - done, cause);
  }

  private void requireRoom(long length) {
    if (length > bytes - done) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT, "%d bytes after %d of a run of %d bytes", length, done, bytes));
    }
  }

  /// How many places the bytes go to.
  int places() {
    return starts.size();
  }

  private FileChannel channel(FileRange.Start start) {
    FileChannel channel = channels.get(start.file());
    if (channel == null) {
      throw new IllegalStateException(start.file() + " is not open");
    }
    return channel;
  }

  /// Closes every file.
  ///
  /// @throws ResourceException telling of the first that could not be closed, the others suppressed
  @Override
  public void close() {
    ResourceException failure = null;
    for (Map.Entry<Path, FileChannel> entry : channels.entrySet()) {
      try {
        entry.getValue().close();
      } catch (IOException e) {
        ResourceException refused = ResourceException.writing(entry.getKey(), bytes - done, e);
        if (failure == null) {
          failure = refused;
        } else {
          failure.addSuppressed(refused);
        }
      }
    }
    if (failure != null) {
      throw failure;
    }
  }
}
