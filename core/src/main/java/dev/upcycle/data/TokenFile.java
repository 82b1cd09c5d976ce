package dev.upcycle.data;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;

/// The tokens of documents, one after the other, in a temporary file of 32-bit numbers.
///
/// Written by one thread, then sealed, then read by any. Deletes the file when it is closed.
final class TokenFile implements AutoCloseable {
  private static final ValueLayout.OfInt ID =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final int FIRST_ROOM = 256;

  private final Path file;
  private final FileChannel channel;
  private final Arena arena = Arena.ofShared();
  private MemorySegment mapped = MemorySegment.NULL;
  private long[] ends = new long[FIRST_ROOM];
  private int documents;

  private TokenFile(Path file, FileChannel channel) {
    this.file = file;
    this.channel = channel;
  }

  static TokenFile create() {
    try {
      Path file = Files.createTempFile("upcycle-tokens", ".bin");
      return new TokenFile(
          file,
          FileChannel.open(
              file,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE,
              StandardOpenOption.DELETE_ON_CLOSE));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot keep tokens in a temporary file: " + e, e);
    }
  }

  void add(Tokens tokens) throws IOException {
    if (tokens.length() == 0) {
      return;
    }
    ByteBuffer bytes =
        ByteBuffer.allocate(Math.multiplyExact(tokens.length(), Integer.BYTES))
            .order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < tokens.length(); i++) {
      bytes.putInt(Math.toIntExact(tokens.id(i)));
    }
    bytes.flip();
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
    if (documents == ends.length) {
      ends = Arrays.copyOf(ends, Math.multiplyExact(2, documents));
    }
    ends[documents] = count() + tokens.length();
    documents++;
  }

  void seal() throws IOException {
    mapped = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
  }

  /// How many tokens there are.
  long count() {
    return documents == 0 ? 0 : ends[documents - 1];
  }

  long[] ids(long from, int length) {
    long[] ids = new long[length];
    for (int i = 0; i < length; i++) {
      ids[i] = mapped.getAtIndex(ID, from + i);
    }
    return ids;
  }

  /// Which document a token is in.
  long document(long token) {
    int found = Arrays.binarySearch(ends, 0, documents, token + 1);
    return found < 0 ? -found - 1 : found;
  }

  /// The token after a document's last.
  long ends(long document) {
    return ends[Math.toIntExact(document)];
  }

  @Override
  public void close() {
    arena.close();
    try {
      channel.close();
    } catch (IOException e) {
      throw new UncheckedIOException(file + ": " + e, e);
    }
  }
}
