package dev.upcycle.data;

import dev.upcycle.chat.LabelledTokens;
import dev.upcycle.image.ImageTensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// A micro-batch: samples side by side, the shorter ones filled up at their end.
///
/// Arrays are handed out without a copy, to become tensors; nobody writes to them. Matrices are
/// `[batch, seq]`, row by row.
public final class Batch {
  /// The document of what fills a row up.
  public static final int NO_DOCUMENT = -1;

  private final List<Long> rows;
  private final int seq;
  private final int[] lengths;
  private final long[] ids;
  private final long[] labels;
  private final int[] documents;
  private final Images images;

  private Batch(List<Sample> samples, Collation collation) {
    this.rows = samples.stream().map(Sample::row).toList();
    this.seq = samples.stream().mapToInt(Sample::length).max().orElseThrow();
    this.lengths = samples.stream().mapToInt(Sample::length).toArray();
    int size = Math.multiplyExact(samples.size(), seq);
    this.ids = new long[size];
    this.labels = new long[size];
    this.documents = new int[size];
    Arrays.fill(ids, collation.padding());
    Arrays.fill(labels, LabelledTokens.IGNORED);
    Arrays.fill(documents, NO_DOCUMENT);
    for (int i = 0; i < samples.size(); i++) {
      samples.get(i).tokens().copyTo(ids, labels, documents, i * seq);
    }
    this.images = Images.of(samples, collation.withoutImage());
  }

  /// How samples become a batch.
  ///
  /// @param padding the id that fills rows up
  /// @param withoutImage what a sample without an image gives
  public record Collation(long padding, WithoutImage withoutImage) {}

  /// What a sample without an image gives to the image tower.
  public sealed interface WithoutImage {
    /// Nothing.
    record Nothing() implements WithoutImage {}

    /// Zeros, of whose features the text holds none: CuMo's way, whose routers see them.
    ///
    /// @param side of the square
    record Zeros(int side) implements WithoutImage {}
  }

  /// Puts samples side by side.
  ///
  /// @param samples at least one
  static Batch of(List<Sample> samples, Collation collation) {
    return new Batch(samples, collation);
  }

  /// Images, in the order of the rows.
  public static final class Images {
    private final int side;
    private final float[] values;
    private final List<Integer> places;

    private Images(int side, float[] values, List<Integer> places) {
      this.side = side;
      this.values = values;
      this.places = List.copyOf(places);
    }

    /// How many.
    public int count() {
      return places.size();
    }

    /// Pixels of a side of each; 0 where there are none.
    public int side() {
      return side;
    }

    /// `[images, 3, side, side]`
    public float[] values() {
      return values;
    }

    /// How many features of each the text holds, the first ones; 0 for zeros.
    public List<Integer> places() {
      return places;
    }

    private static Images of(List<Sample> samples, WithoutImage rule) {
      List<Optional<ImageTensor>> given = new ArrayList<>();
      List<Integer> places = new ArrayList<>();
      for (Sample sample : samples) {
        if (sample.picture().pixels().isPresent() || rule instanceof WithoutImage.Zeros) {
          given.add(sample.picture().pixels());
          places.add(sample.picture().places());
        }
      }
      if (given.isEmpty()) {
        return new Images(0, new float[0], List.of());
      }
      return filled(given, places, rule);
    }

    private static Images filled(
        List<Optional<ImageTensor>> given, List<Integer> places, WithoutImage rule) {
      int side =
          switch (rule) {
            case WithoutImage.Zeros(int zeros) -> zeros;
            case WithoutImage.Nothing _ -> given.getFirst().orElseThrow().height();
          };
      int one = Math.multiplyExact(3, Math.multiplyExact(side, side));
      float[] values = new float[Math.multiplyExact(given.size(), one)];
      for (int i = 0; i < given.size(); i++) {
        int offset = i * one;
        given.get(i).ifPresent(pixels -> pixels.copyTo(values, offset));
      }
      return new Images(side, values, places);
    }
  }

  /// Which rows of the data these are.
  public List<Long> rows() {
    return rows;
  }

  /// Samples.
  public int size() {
    return lengths.length;
  }

  /// Tokens of the longest sample.
  public int seq() {
    return seq;
  }

  /// How many tokens each sample has; what follows them fills up.
  public int[] lengths() {
    return lengths;
  }

  /// `[batch, seq]`
  public long[] ids() {
    return ids;
  }

  /// `[batch, seq]`: of each token the id itself or [LabelledTokens#IGNORED]. What a token predicts
  /// is the label of the token after it.
  public long[] labels() {
    return labels;
  }

  /// `[batch, seq]`: what each token predicts, the label of the token after it.
  public long[] next() {
    return next(labels, seq);
  }

  /// What each token of rows predicts: the label of the one after it, the last of a row nothing
  /// ([LabelledTokens#IGNORED]).
  ///
  /// @param labels `[batch · seq]`
  /// @return `[batch · seq]`
  public static long[] next(long[] labels, int seq) {
    long[] next = new long[labels.length];
    for (int i = 0; i < labels.length; i++) {
      next[i] = (i + 1) % seq == 0 ? LabelledTokens.IGNORED : labels[i + 1];
    }
    return next;
  }

  /// `[batch, seq]`: a number for each text of a row, from 0; [#NO_DOCUMENT] for what fills up.
  /// Tokens see those of their own document.
  public int[] documents() {
    return documents;
  }

  /// Whether a row holds more than one text.
  public boolean packed() {
    return Arrays.stream(documents).anyMatch(document -> document > 0);
  }

  /// Images.
  public Images images() {
    return images;
  }

  /// Tokens that are no filling.
  public long tokens() {
    return Arrays.stream(lengths).asLongStream().sum();
  }

  /// Tokens that are learned.
  public long learned() {
    long learned = 0;
    for (int i = 0; i < labels.length; i++) {
      learned += i % seq > 0 && labels[i] != LabelledTokens.IGNORED ? 1 : 0;
    }
    return learned;
  }
}
