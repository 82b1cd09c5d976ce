package dev.upcycle.calibrate;

import dev.upcycle.kernels.tensor.TensorScope;
import java.util.Arrays;
import java.util.List;

/// What rows of norm 1 make of the router's inputs.
///
/// @param std of the logits about each token's mean over experts
/// @param tokens of every expert, the tokens that like it best
/// @param own the part of tokens that like their own expert best
record LogitSample(double std, List<Long> tokens, double own) {
  /// Looks at every token.
  ///
  /// @param unit rows of norm 1
  static LogitSample of(RouterRows unit, RouterTokens read) {
    float[] logits;
    try (TensorScope _ = TensorScope.open()) {
      logits = read.rows().matmul(unit.tensor().transpose(0, 1)).reshape(-1).toFloats();
    }
    int count = unit.experts();
    Long[] tokens = new Long[count];
    Arrays.fill(tokens, 0L);
    double squares = 0;
    long own = 0;
    for (int token = 0; token < read.experts().size(); token++) {
      int first = token * count;
      double mean = 0;
      int best = 0;
      for (int expert = 0; expert < count; expert++) {
        mean += logits[first + expert] / (double) count;
        best = logits[first + expert] > logits[first + best] ? expert : best;
      }
      for (int expert = 0; expert < count; expert++) {
        squares += (logits[first + expert] - mean) * (logits[first + expert] - mean);
      }
      tokens[best]++;
      own += best == read.experts().get(token) ? 1 : 0;
    }
    return new LogitSample(
        Math.sqrt(squares / logits.length), List.of(tokens), own / (double) read.experts().size());
  }
}
