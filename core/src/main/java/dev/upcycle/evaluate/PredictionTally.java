package dev.upcycle.evaluate;

import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Functions;
import dev.upcycle.kernels.tensor.LibTorch;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.Tensors;
import dev.upcycle.model.DecoderModel;
import dev.upcycle.model.NonFiniteException;
import java.util.function.IntFunction;
import java.util.function.Supplier;

/// What a model's predictions add up to, and the time that they take; one thread.
final class PredictionTally {
  /// Rows of the vocabulary's width that exist at once.
  static final int ROWS = 128;

  private final DecoderModel model;
  private double negativeLogLikelihood;
  private long read;
  private long nanos;

  PredictionTally(DecoderModel model) {
    this.model = model;
  }

  /// Ids as a tensor where the model is.
  Tensor onDevice(long... ids) {
    return Tensors.of(ids).to(model.options().device());
  }

  /// What the model makes of so many tokens, its time counted.
  Tensor read(long tokens, Supplier<Tensor> work) {
    read += tokens;
    return timed(work);
  }

  private Tensor timed(Supplier<Tensor> work) {
    long begin = System.nanoTime();
    try {
      Tensor done = work.get();
      LibTorch.await(done);
      return done;
    } finally {
      nanos += System.nanoTime() - begin;
    }
  }

  /// What the decoder says of all tokens after hidden states, `[rows, vocab]`, float32.
  Tensor logits(Tensor predictors) {
    return timed(() -> model.head().forward(predictors).to(DType.F32));
  }

  /// What it says of the tokens that came.
  ///
  /// @param labels one per row
  /// @param places what a row is called in messages
  /// @throws NonFiniteException when a prediction is NaN or infinite
  TokenLosses losses(Tensor logits, long[] labels, IntFunction<String> places) {
    Tensor logarithms = timed(() -> Functions.logSoftmax(logits));
    float[] picked = logarithms.gather(1, onDevice(labels).unsqueeze(1)).toFloats();
    double[] losses = new double[picked.length];
    for (int i = 0; i < losses.length; i++) {
      losses[i] = -picked[i];
      if (!Double.isFinite(losses[i])) {
        throw new NonFiniteException(
            model.directory(),
            "%s: the logarithm of its probability is %s".formatted(places.apply(i), picked[i]));
      }
      negativeLogLikelihood += losses[i];
    }
    return new TokenLosses(logarithms, losses);
  }

  /// Of all tokens so far, in nats.
  double negativeLogLikelihood() {
    return negativeLogLikelihood;
  }

  double tokensPerSecond() {
    return read / (Math.max(1, nanos) / 1e9);
  }
}
