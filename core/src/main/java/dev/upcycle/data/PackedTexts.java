package dev.upcycle.data;

import dev.upcycle.chat.ChatException;
import dev.upcycle.chat.LabelledTokens;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;

/// Texts one after the other, cut into sequences that are all full but the last.
///
/// Every row is a document of its own: the first token of a document, and of a sequence, is not
/// learned, and tokens carry the number of their document within the sequence. All tokens are made
/// when it is opened and kept in a temporary file, so that sequences can be taken in any order.
public final class PackedTexts implements SampleSet {
  private final TokenisedRows rows;
  private final TokenFile tokens;
  private final int maxTokens;

  private PackedTexts(TokenisedRows rows, int maxTokens) {
    this.rows = rows;
    this.tokens = rows.tokens();
    this.maxTokens = maxTokens;
  }

  /// How rows are packed.
  ///
  /// @param maxTokens the length of a sequence
  /// @param vocab how many ids the model knows
  /// @param work who tokenises
  record Packing(int maxTokens, long vocab, TokenisedRows.Work work) {}

  /// Tokenises all rows and closes their file.
  ///
  /// @throws DataException when a row is bad, or there is nothing to learn
  static PackedTexts of(RowFile rows, RowEncoding.Plain encoding, Packing packing)
      throws InterruptedException {
    try (rows) {
      TokenisedRows made =
          TokenisedRows.of(
              rows.rows(), row -> document(rows, row, encoding, packing.vocab()), packing.work());
      if (made.tokens().count() < 2) {
        made.close();
        throw DataException.ofFile(rows.file(), "has fewer than 2 tokens; nothing can be learned");
      }
      return new PackedTexts(made, packing.maxTokens());
    }
  }

  private static Sample document(RowFile rows, long row, RowEncoding.Plain encoding, long vocab) {
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
    return new Sample(row, document, Sample.Picture.NONE, document.length());
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
    Tokens held = tokens.tokens(from, length);
    long[] labels = held.labels();
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
    return new Sample(
        index, new Tokens(held.ids(), labels, documents), Sample.Picture.NONE, length);
  }

  @Override
  public List<Integer> lengths() {
    return Collections.nCopies(size(), -maxTokens);
  }

  @Override
  public List<DataException> skipped() {
    return rows.skipped();
  }

  @Override
  public void close() {
    rows.close();
  }
}
