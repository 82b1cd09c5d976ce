package dev.upcycle.function;

import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.data.Tokenizer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;

/// The tokens that both models see: fixed, so that a verification can be repeated.
///
/// @param rows of one length: ids drawn from the whole vocabulary by a fixed seed and, where the
///   model has a tokenizer, ids of a text
record ProbeTokens(List<List<Long>> rows) {
  private static final int LENGTH = 64;
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

  /// Tokens for models of this vocabulary.
  static ProbeTokens of(long vocab, ModelConfig config, Path directory) {
    long positions = config.findLong("max_position_embeddings").orElse(LENGTH);
    int length = Math.toIntExact(Math.min(LENGTH, Math.max(2, positions)));
    List<List<Long>> rows = new ArrayList<>();
    rows.add(new SplittableRandom(SEED).longs(length, 0, vocab).boxed().toList());
    text(directory, length)
        .filter(ids -> ids.stream().allMatch(id -> id < vocab))
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

  /// How many tokens there are in all.
  int count() {
    return rows.size() * rows.getFirst().size();
  }

  /// All ids, row by row.
  long[] flat() {
    return rows.stream().flatMap(List::stream).mapToLong(Long::longValue).toArray();
  }
}
