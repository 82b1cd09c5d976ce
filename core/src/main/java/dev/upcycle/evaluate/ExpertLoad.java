package dev.upcycle.evaluate;

import java.util.List;
import java.util.stream.IntStream;

/// How a layer's tokens are shared among its experts.
///
/// @param layer index of the decoder layer
/// @param counts assignments of each expert; a token counts once for each expert that it uses
public record ExpertLoad(int layer, List<Long> counts) {
  /// Takes a copy; refuses a layer without experts.
  public ExpertLoad {
    counts = List.copyOf(counts);
    if (counts.isEmpty() || counts.stream().anyMatch(count -> count < 0)) {
      throw new IllegalArgumentException("no load of layer %d: %s".formatted(layer, counts));
    }
  }

  /// All assignments.
  public long assignments() {
    return counts.stream().mapToLong(Long::longValue).sum();
  }

  /// An expert's share of all assignments; 0 when there are none.
  public double share(int expert) {
    long all = assignments();
    return all == 0 ? 0 : counts.get(expert) / (double) all;
  }

  /// `-Σ p ln p` over shares *p*, in nats: `ln E` when all share alike, 0 when one does everything.
  public double entropy() {
    double entropy = 0;
    for (int expert = 0; expert < counts.size(); expert++) {
      double share = share(expert);
      entropy -= share > 0 ? share * Math.log(share) : 0;
    }
    return entropy;
  }

  /// The entropy as a part of the largest possible, 0 to 1; 1 for a single expert.
  public double evenness() {
    return counts.size() == 1 ? 1 : entropy() / Math.log(counts.size());
  }

  /// The largest share over the share at balance: 1 when all share alike, `E` at collapse.
  public double peak() {
    long most = counts.stream().mapToLong(Long::longValue).max().orElse(0);
    long all = assignments();
    return all == 0 ? 0 : (double) most * counts.size() / all;
  }

  /// Experts that no token uses.
  public List<Integer> dead() {
    return IntStream.range(0, counts.size())
        .filter(expert -> counts.get(expert) == 0)
        .boxed()
        .toList();
  }

  /// The sum of two loads of the same layer.
  public ExpertLoad plus(ExpertLoad other) {
    if (layer != other.layer || counts.size() != other.counts.size()) {
      throw new IllegalArgumentException("loads of different layers: " + this + ", " + other);
    }
    return new ExpertLoad(
        layer,
        IntStream.range(0, counts.size())
            .mapToObj(expert -> counts.get(expert) + other.counts.get(expert))
            .toList());
  }
}
