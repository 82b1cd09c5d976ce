package dev.upcycle.data;

import dev.upcycle.chat.ChatException;
import dev.upcycle.chat.LabelledTokens;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.LongStream;

/// Texts one after the other, cut into sequences that are all full but the last.
///
/// Every row is a document of its own: the first token of a document, and of a sequence, is not
/// learned, and tokens carry the number of their document within the sequence. All tokens are made
/// when it is opened and kept in a temporary file, so that sequences can be taken in any order.
public final class PackedSamples implements SampleSet {
  private final TokenFile tokens;
  private final int maxTokens;
  private final List<DataException> skipped;

  private PackedSamples(TokenFile tokens, int maxTokens, List<DataException> skipped) {
    this.tokens = tokens;
    this.maxTokens = maxTokens;
    this.skipped = List.copyOf(skipped);
  }

  /// How rows are packed.
  ///
  /// @param maxTokens the length of a sequence
  /// @param vocab how many ids the model knows
  /// @param threads that tokenise
  /// @param skip how many bad rows are passed over
  record Packing(int maxTokens, long vocab, int threads, SkipLimit skip) {}

  /// Tokenises all rows and closes their file.
  ///
  /// @throws DataException when a row is bad, or there is nothing to learn
  static PackedSamples of(RowFile rows, RowEncoding.Plain encoding, Packing packing)
      throws InterruptedException {
    TokenFile tokens = TokenFile.create();
    List<DataException> skipped = new ArrayList<>();
    try (rows;
        Ahead<Tokens> documents =
            new Ahead<>(
                tasks(rows, encoding, packing.vocab()), packing.threads(), 4 * packing.threads())) {
      while (documents.hasNext()) {
        try {
          tokens.add(documents.next());
        } catch (DataException e) {
          packing.skip().pass(e, skipped.size());
          skipped.add(e);
        }
      }
      tokens.seal();
      if (tokens.count() < 2) {
        throw DataException.ofFile(rows.file(), "has fewer than 2 tokens; nothing can be learned");
      }
      return new PackedSamples(tokens, packing.maxTokens(), skipped);
    } catch (IOException e) {
      tokens.close();
      throw new UncheckedIOException("cannot keep tokens in a temporary file: " + e, e);
    } catch (RuntimeException | InterruptedException e) {
      tokens.close();
      throw e;
    }
  }

  private static Iterator<Callable<Tokens>> tasks(
      RowFile rows, RowEncoding.Plain encoding, long vocab) {
    return LongStream.range(0, rows.rows())
        .<Callable<Tokens>>mapToObj(row -> () -> document(rows, row, encoding, vocab))
        .iterator();
  }

  private static Tokens document(RowFile rows, long row, RowEncoding.Plain encoding, long vocab) {
    Tokens document;
    Path file = rows.file();
    try {
      document = encoding.tokens(rows.row(row));
    } catch (ChatException | TokenizerException e) {
      throw DataException.ofRow(file, row, String.valueOf(e.getMessage()));
    }
    for (int i = 0; i < document.length(); i++) {
      if (document.id(i) >= vocab) {
        throw DataException.ofRow(
            file,
            row,
            "the tokenizer gives token %d, the model's vocabulary has %d"
                .formatted(document.id(i), vocab));
      }
    }
    return document;
  }

  /// A last sequence of one token, of which nothing can be learned, does not count.
  @Override
  public int size() {
    long rest = tokens.count() % maxTokens;
    return Math.toIntExact(tokens.count() / maxTokens + (rest > 1 ? 1 : 0));
  }

  /// How many tokens all documents have together.
  public long tokens() {
    return tokens.count();
  }

  @Override
  public Sample sample(int index) {
    long from = (long) index * maxTokens;
    int length = Math.toIntExact(Math.min(maxTokens, tokens.count() - from));
    long[] ids = tokens.ids(from, length);
    long[] labels = ids.clone();
    int[] documents = new int[length];
    long document = tokens.document(from);
    long first = document;
    for (int i = 0; i < length; i++) {
      while (tokens.ends(document) <= from + i) {
        document++;
      }
      documents[i] = Math.toIntExact(document - first);
      if (i == 0 || documents[i] != documents[i - 1]) {
        labels[i] = LabelledTokens.IGNORED;
      }
    }
    return new Sample(index, new Tokens(ids, labels, documents), Sample.Picture.NONE, length);
  }

  @Override
  public List<Integer> lengths() {
    return Collections.nCopies(size(), -maxTokens);
  }

  @Override
  public List<DataException> skipped() {
    return skipped;
  }

  @Override
  public void close() {
    tokens.close();
  }
}
