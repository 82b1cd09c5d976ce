package dev.upcycle.checkpoint.torch;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.NonWritableChannelException;
import java.nio.channels.SeekableByteChannel;

/// A channel from which only so many bytes are read in all: what a reader keeps of them cannot pass
/// that by much. The channel beneath belongs to the caller.
final class BoundedChannel implements SeekableByteChannel {
  private final SeekableByteChannel channel;
  private long left;

  BoundedChannel(SeekableByteChannel channel, long limit) {
    this.channel = channel;
    this.left = limit;
  }

  /// More was asked for than is let through.
  static final class Exhausted extends IOException {
    private static final long serialVersionUID = 1;

    Exhausted() {
      super("too much to read");
    }
  }

  @Override
  public int read(ByteBuffer into) throws IOException {
    if (into.remaining() > left) {
      throw new Exhausted();
    }
    int read = channel.read(into);
    left -= Math.max(0, read);
    return read;
  }

  @Override
  public int write(ByteBuffer from) {
    throw new NonWritableChannelException();
  }

  @Override
  public long position() throws IOException {
    return channel.position();
  }

  @Override
  public SeekableByteChannel position(long position) throws IOException {
    channel.position(position);
    return this;
  }

  @Override
  public long size() throws IOException {
    return channel.size();
  }

  @Override
  public SeekableByteChannel truncate(long size) {
    throw new NonWritableChannelException();
  }

  @Override
  public boolean isOpen() {
    return channel.isOpen();
  }

  @Override
  public void close() {}
}
