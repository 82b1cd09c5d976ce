package dev.upcycle.data;

import dev.upcycle.chat.LabelledTokens;
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

/// The tokens of documents, one after the other, in a temporary file of 32-bit numbers: an id that
/// is learned as it is, another as its complement, which is below 0.
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
      int id = Math.toIntExact(tokens.id(i));
      bytes.putInt(tokens.label(i) == LabelledTokens.IGNORED ? ~id : id);
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

  /// How many documents there are.
  int documents() {
    return documents;
  }

  /// How many tokens a document has.
  int length(int document) {
    return Math.toIntExact(ends[document] - start(document));
  }

  /// A document.
  Tokens tokens(int document) {
    return tokens(start(document), length(document));
  }

  private long start(int document) {
    return document == 0 ? 0 : ends[document - 1];
  }

  /// Tokens in a row, whatever documents they are of.
  Tokens tokens(long from, int length) {
    long[] ids = new long[length];
    long[] labels = new long[length];
    for (int i = 0; i < length; i++) {
      int stored = mapped.getAtIndex(ID, from + i);
      ids[i] = stored < 0 ? ~stored : stored;
      labels[i] = stored < 0 ? LabelledTokens.IGNORED : stored;
    }
    return Tokens.ofOne(ids, labels);
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
