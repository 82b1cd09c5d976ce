package dev.upcycle.evaluate;

import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Functions;
import dev.upcycle.kernels.tensor.LibTorch;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.kernels.tensor.Tensors;
import dev.upcycle.model.DecoderModel;
import dev.upcycle.model.ForwardPass;
import dev.upcycle.model.HiddenOutput;
import dev.upcycle.model.NonFiniteException;

/// One model's way through texts: what it predicts, and its tallies; one thread.
final class ModelReading {
  private final DecoderModel model;
  private final LoadCounter loads = new LoadCounter();
  private double negativeLogLikelihood;
  private long read;
  private long nanos;

  ModelReading(DecoderModel model) {
    this.model = model;
  }

  /// Ids as a tensor where the model is.
  private Tensor onDevice(long[] ids) {
    return Tensors.of(ids).to(model.options().device());
  }

  /// What predicts the scored tokens of a window, `[scored, hidden]`.
  Tensor predictors(EvaluatedText text, Window window) {
    long begin = System.nanoTime();
    try (TensorScope scope = TensorScope.open()) {
      Tensor seen = onDevice(text.ids(window.begin(), window.end())).unsqueeze(0);
      HiddenOutput output = model.hidden(model.embed(seen), ForwardPass.plain());
      loads.add(output.routings(), window.firstNew() - window.begin());
      int first = window.firstScored() - 1 - window.begin();
      Tensor predictors = output.hidden().squeeze(0).narrow(0, first, window.scored());
      LibTorch.await(predictors);
      return scope.keep(predictors);
    } finally {
      read += window.tokens();
      nanos += System.nanoTime() - begin;
    }
  }

  /// Logarithms of the probabilities of all tokens, `[rows, vocab]`, float32.
  Tensor logProbabilities(Tensor predictors) {
    long begin = System.nanoTime();
    try {
      Tensor logarithms = Functions.logSoftmax(model.head().forward(predictors).to(DType.F32));
      LibTorch.await(logarithms);
      return logarithms;
    } finally {
      nanos += System.nanoTime() - begin;
    }
  }

  /// The negative log-likelihood of each token of a part, which is also added to the tally.
  ///
  /// @throws NonFiniteException when one is NaN or infinite
  double[] losses(Tensor logProbabilities, EvaluatedText text, Part part) {
    Tensor labels = onDevice(part.labels(text));
    float[] picked = logProbabilities.gather(1, labels.unsqueeze(1)).toFloats();
    double[] losses = new double[picked.length];
    for (int i = 0; i < losses.length; i++) {
      losses[i] = -picked[i];
      if (!Double.isFinite(losses[i])) {
        throw new NonFiniteException(
            model.directory(),
            "%s, token %d: the logarithm of its probability is %s"
                .formatted(text.name(), part.first() + i, picked[i]));
      }
      negativeLogLikelihood += losses[i];
    }
    return losses;
  }

  Evaluation evaluation(long tokens, long scored) {
    double seconds = Math.max(1, nanos) / 1e9;
    return new Evaluation(tokens, scored, negativeLogLikelihood, read / seconds, loads.loads());
  }
}
