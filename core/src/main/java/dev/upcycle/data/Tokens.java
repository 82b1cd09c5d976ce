package dev.upcycle.data;

import dev.upcycle.chat.LabelledTokens;
import java.util.Arrays;
import java.util.List;

/// Tokens, what is learned of each, and which of them see each other; all three equally long.
///
/// The arrays are its own: they are handed over and nobody writes to them.
public final class Tokens {
  private final long[] ids;
  private final long[] labels;
  private final int[] documents;

  /// @param ids in the vocabulary
  /// @param labels the ids themselves, or [LabelledTokens#IGNORED]
  /// @param documents a number for each text in the sequence; tokens see those of their own
  Tokens(long[] ids, long[] labels, int[] documents) {
    if (labels.length != ids.length || documents.length != ids.length) {
      throw new IllegalArgumentException(
          "%d ids, %d labels, %d documents".formatted(ids.length, labels.length, documents.length));
    }
    this.ids = ids;
    this.labels = labels;
    this.documents = documents;
  }

  /// Tokens of one text.
  static Tokens ofOne(long[] ids, long[] labels) {
    return new Tokens(ids, labels, new int[ids.length]);
  }

  static Tokens of(LabelledTokens tokens) {
    return ofOne(unboxed(tokens.ids()), unboxed(tokens.labels()));
  }

  private static long[] unboxed(List<Long> values) {
    return values.stream().mapToLong(Long::longValue).toArray();
  }

  /// How many.
  public int length() {
    return ids.length;
  }

  /// How many are learned: the first never is, since nothing comes before it.
  public long learned() {
    return Arrays.stream(labels).skip(1).filter(label -> label != LabelledTokens.IGNORED).count();
  }

  /// A copy of the ids.
  public long[] ids() {
    return ids.clone();
  }

  /// A copy of the labels.
  public long[] labels() {
    return labels.clone();
  }

  /// A copy of the documents' numbers.
  public int[] documents() {
    return documents.clone();
  }

  long id(int place) {
    return ids[place];
  }

  long label(int place) {
    return labels[place];
  }

  void copyTo(long[] toIds, long[] toLabels, int[] toDocuments, int offset) {
    System.arraycopy(ids, 0, toIds, offset, ids.length);
    System.arraycopy(labels, 0, toLabels, offset, ids.length);
    System.arraycopy(documents, 0, toDocuments, offset, ids.length);
  }

  /// The first of them.
  Tokens first(int count) {
    return new Tokens(
        Arrays.copyOf(ids, count), Arrays.copyOf(labels, count), Arrays.copyOf(documents, count));
  }
}
