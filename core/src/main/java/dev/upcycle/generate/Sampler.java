package dev.upcycle.generate;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/// Chooses tokens from logits.
///
/// @param sampling how
public record Sampler(Sampling sampling) {
  /// The token at a place of the text.
  ///
  /// @param logits one per token of the vocabulary
  /// @param place how many tokens were chosen before; it and the seed decide the draw
  /// @throws ArithmeticException when the largest logit is NaN or infinite
  public int choose(float[] logits, long place) {
    int likeliest = likeliest(logits);
    if (!Float.isFinite(logits[likeliest])) {
      throw new ArithmeticException(
          "token %d of the continuation: the largest logit is %s"
              .formatted(place, logits[likeliest]));
    }
    return switch (sampling) {
      case Sampling.Greedy _ -> likeliest;
      case Sampling.Nucleus nucleus ->
          draw(logits, nucleus, new CounterRandom(nucleus.seed()).uniform(place));
    };
  }

  private static int likeliest(float[] logits) {
    int best = 0;
    for (int i = 1; i < logits.length; i++) {
      best = Float.isNaN(logits[i]) || logits[i] > logits[best] ? i : best;
    }
    return best;
  }

  private static int draw(float[] logits, Sampling.Nucleus nucleus, double uniform) {
    double top = logits[likeliest(logits)];
    double[] weights = new double[logits.length];
    for (int i = 0; i < weights.length; i++) {
      weights[i] = Math.exp((logits[i] - top) / nucleus.temperature());
    }
    int[] order =
        IntStream.range(0, weights.length)
            .boxed()
            .sorted(Comparator.comparingDouble((Integer i) -> weights[i]).reversed())
            .mapToInt(Integer::intValue)
            .toArray();
    double wanted = nucleus.topP() * Arrays.stream(weights).sum();
    double kept = 0;
    int count = 0;
    while (count < order.length && (count == 0 || kept < wanted)) {
      kept += weights[order[count++]];
    }
    double left = uniform * kept;
    for (int i = 0; i < count; i++) {
      left -= weights[order[i]];
      if (left < 0) {
        return order[i];
      }
    }
    return order[count - 1];
  }
}
