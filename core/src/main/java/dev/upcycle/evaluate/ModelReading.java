package dev.upcycle.evaluate;

import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.model.DecoderModel;
import dev.upcycle.model.ForwardPass;
import dev.upcycle.model.HiddenOutput;

/// One model's way through texts: what it predicts, and its tallies; one thread.
final class ModelReading {
  private final DecoderModel model;
  private final PredictionTally tally;
  private final LoadCounter loads = new LoadCounter();

  ModelReading(DecoderModel model) {
    this.model = model;
    this.tally = new PredictionTally(model);
  }

  /// What predicts the scored tokens of a window, `[scored, hidden]`.
  Tensor predictors(EvaluatedText text, Window window) {
    return tally.read(
        window.tokens(),
        () -> {
          try (TensorScope scope = TensorScope.open()) {
            Tensor seen = tally.onDevice(text.ids(window.begin(), window.end())).unsqueeze(0);
            HiddenOutput output = model.hidden(model.embed(seen), ForwardPass.plain());
            loads.add(output.routings(), window.firstNew() - window.begin());
            int first = window.firstScored() - 1 - window.begin();
            return scope.keep(output.hidden().squeeze(0).narrow(0, first, window.scored()));
          }
        });
  }

  /// What it says of a part of a window's scored tokens.
  TokenLosses losses(Tensor predictors, EvaluatedText text, Part part) {
    return tally.losses(
        tally.logits(part.rows(predictors)),
        part.labels(text),
        row -> "%s, token %d".formatted(text.name(), part.first() + row));
  }

  Evaluation evaluation(long tokens, long scored) {
    return new Evaluation(
        tokens, scored, tally.negativeLogLikelihood(), tally.tokensPerSecond(), loads.loads());
  }
}
