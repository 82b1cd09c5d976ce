package dev.upcycle.data;

import dev.upcycle.chat.LabelledTokens;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/// Rows that share sequences, each whole and in one of them.
///
/// What is learned of a row is what is learned of it by itself; the first token of each never is,
/// since nothing of its own comes before it. Tokens carry the number of their row within the
/// sequence. All tokens are made when it is opened and kept in a temporary file.
public final class PackedRows implements SampleSet {
  private final TokenisedRows rows;
  private final SequencePlan plan;

  private PackedRows(TokenisedRows rows, SequencePlan plan) {
    this.rows = rows;
    this.plan = plan;
  }

  /// Makes all rows and closes them.
  ///
  /// @param samples no longer than a sequence, none with an image
  /// @param maxTokens the length of a sequence
  /// @throws DataException when a row is bad, and one too many
  static PackedRows of(RowSamples samples, int maxTokens, TokenisedRows.Work work)
      throws InterruptedException {
    try (samples) {
      TokenisedRows rows =
          TokenisedRows.of(samples.size(), row -> samples.sample(Math.toIntExact(row)), work);
      TokenFile tokens = rows.tokens();
      return new PackedRows(
          rows, SequencePlan.bestFit(tokens.documents(), tokens::length, maxTokens));
    }
  }

  /// 0 where every row is bad and was passed over.
  @Override
  public int size() {
    return plan.sequences();
  }

  @Override
  public Sample sample(int index) {
    int[] held = plan.rows(index);
    int length = length(held);
    long[] ids = new long[length];
    long[] labels = new long[length];
    int[] documents = new int[length];
    int uncut = 0;
    int at = 0;
    for (int number = 0; number < held.length; number++) {
      Tokens row = rows.tokens().tokens(held[number]);
      row.copyTo(ids, labels, documents, at);
      labels[at] = LabelledTokens.IGNORED;
      Arrays.fill(documents, at, at + row.length(), number);
      uncut += rows.uncut().getOrDefault(held[number], row.length());
      at += row.length();
    }
    return new Sample(index, new Tokens(ids, labels, documents), Sample.Picture.NONE, uncut);
  }

  private int length(int[] held) {
    int length = 0;
    for (int row : held) {
      length += rows.tokens().length(row);
    }
    return length;
  }

  /// In tokens, since they are known.
  @Override
  public List<Integer> lengths() {
    return IntStream.range(0, size()).mapToObj(index -> -length(plan.rows(index))).toList();
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
