package dev.upcycle.function;

import dev.upcycle.data.Tokenizer;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.Tensors;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.SplittableRandom;

/// The tokens that both models see: fixed, so that a verification can be repeated.
///
/// @param rows of one length: ids drawn from the whole vocabulary by a fixed seed and, where the
///   model has a tokenizer, ids of a text
record ProbeTokens(List<List<Long>> rows) {
  private static final int LENGTH = 64;

  /// How many tokens stand before an image.
  private static final int BEFORE_IMAGE = 8;

  private static final long SEED = 20260101;
  private static final String TEXT =
      """
      The mill stood where the river left the hills. Every morning at six the miller opened the
      sluice, counted to twelve, and listened: first the water, then the wheel, then the stones.
      "If the stones speak before the wheel," he used to say, "shut the gate and ask why." In 1843
      a flood took the bridge and 27 of the 30 houses; the mill lost one door and a barrel of oil.
      """;

  /// Takes copies.
  ProbeTokens {
    rows = rows.stream().map(List::copyOf).toList();
  }

  /// What tokens are drawn from.
  ///
  /// @param size how many there are
  /// @param positions of the model, where it has a limit
  /// @param reserved an id that no text has
  record Vocabulary(long size, OptionalLong positions, OptionalLong reserved) {
    private int length() {
      return Math.toIntExact(Math.min(LENGTH, Math.max(2, positions.orElse(LENGTH))));
    }

    private boolean has(long id) {
      return id < size && (reserved.isEmpty() || id != reserved.getAsLong());
    }

    private List<Long> drawn(long seed) {
      return new SplittableRandom(seed)
          .longs(0, size)
          .filter(id -> size == 1 || has(id))
          .limit(length())
          .boxed()
          .toList();
    }
  }

  /// Tokens for models of this vocabulary.
  static ProbeTokens of(Vocabulary vocabulary, Path directory) {
    List<List<Long>> rows = new ArrayList<>();
    rows.add(vocabulary.drawn(SEED));
    text(directory, vocabulary.length())
        .filter(ids -> ids.stream().allMatch(vocabulary::has))
        .ifPresent(rows::add);
    return new ProbeTokens(rows);
  }

  private static Optional<List<Long>> text(Path directory, int length) {
    return Tokenizer.find(directory)
        .map(tokenizer -> {
          try (tokenizer) {
            return tokenizer.encode(TEXT);
          }
        })
        .filter(ids -> ids.size() >= length)
        .map(ids -> ids.subList(0, length));
  }

  /// The same with another last token.
  ProbeTokens endingIn(long end) {
    return new ProbeTokens(
        rows.stream()
            .map(row -> {
              List<Long> ended = new ArrayList<>(row);
              ended.set(ended.size() - 1, end);
              return ended;
            })
            .toList());
  }

  /// A row for each image, these in turn, with places for it.
  ///
  /// @param places how many the image takes
  /// @param id what stands in each
  ProbeTokens around(int images, int places, long id) {
    List<List<Long>> spliced = new ArrayList<>();
    int first = rows.size() - images % rows.size(); // so that the last image stands in the last row
    for (int image = 0; image < images; image++) {
      List<Long> row = rows.get((first + image) % rows.size());
      int before = Math.min(BEFORE_IMAGE, row.size() / 2);
      List<Long> all = new ArrayList<>(row.subList(0, before));
      all.addAll(Collections.nCopies(places, id));
      all.addAll(row.subList(before, row.size()));
      spliced.add(all);
    }
    return new ProbeTokens(spliced);
  }

  /// How many tokens there are in all.
  int count() {
    return rows.size() * rows.getFirst().size();
  }

  /// All ids, `[batch, seq]`.
  Tensor ids() {
    return Tensors.of(rows.stream().flatMap(List::stream).mapToLong(Long::longValue).toArray())
        .view(rows.size(), -1);
  }

  /// What follows each token of the last row, which is text where there is a tokenizer; nothing
  /// predicts the ids of the others.
  ///
  /// @param reserved an id that is not predicted
  long[] labels(OptionalLong reserved) {
    List<Long> last = rows.getLast();
    long[] labels = new long[count()];
    Arrays.fill(labels, -1);
    int start = labels.length - last.size();
    for (int i = 0; i + 1 < last.size(); i++) {
      long next = last.get(i + 1);
      labels[start + i] = reserved.isPresent() && next == reserved.getAsLong() ? -1 : next;
    }
    return labels;
  }
}
