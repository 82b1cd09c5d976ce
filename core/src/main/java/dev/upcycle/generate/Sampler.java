package dev.upcycle.generate;

import java.util.Arrays;

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
    return nucleus.topP() < 1
        ? drawOfTop(weights, nucleus.topP(), uniform)
        : drawOfAll(weights, uniform);
  }

  private static int drawOfAll(double[] weights, double uniform) {
    double left = uniform * Arrays.stream(weights).sum();
    int last = 0;
    for (int i = 0; i < weights.length && left >= 0; i++) {
      left -= weights[i];
      last = weights[i] > 0 ? i : last;
    }
    return last;
  }

  private static int drawOfTop(double[] weights, double topP, double uniform) {
    double sum = Arrays.stream(weights).sum();
    // All that weigh less than this weigh less than 1 - topP together: the top does without them.
    double least = (1 - topP) * sum / weights.length;
    double[] ranked = Arrays.stream(weights).filter(weight -> weight >= least).sorted().toArray();
    int first = ranked.length - 1;
    double kept = ranked[first];
    while (first > 0 && kept < topP * sum) {
      kept += ranked[--first];
    }
    double left = uniform * kept;
    int drawn = ranked.length;
    while (drawn > first && left >= 0) {
      left -= ranked[--drawn];
    }
    return placeOf(ranked, drawn, weights);
  }

  /// The token of a rank; among equals the first of the vocabulary ranks highest.
  private static int placeOf(double[] ranked, int drawn, double[] weights) {
    int place = -1;
    for (int i = drawn; i < ranked.length && ranked[i] == ranked[drawn]; i++) {
      place = next(weights, ranked[drawn], place);
    }
    return place;
  }

  private static int next(double[] weights, double wanted, int after) {
    int place = after + 1;
    while (weights[place] != wanted) {
      place++;
    }
    return place;
  }
}
