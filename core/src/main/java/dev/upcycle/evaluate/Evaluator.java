package dev.upcycle.evaluate;

import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.model.DecoderModel;
import java.util.List;

/// Lets models predict texts.
public final class Evaluator {
  private final List<EvaluatedText> texts;
  private final Strides strides;
  private final Listener listener;

  /// Hears how far an evaluation is.
  @FunctionalInterface
  public interface Listener {
    /// Hears nothing.
    Listener SILENT = (done, total) -> {};

    /// So many of so many windows are done.
    void advanced(long done, long total);
  }

  /// @param texts at least one
  public Evaluator(List<EvaluatedText> texts, Strides strides, Listener listener) {
    this.texts = List.copyOf(texts);
    this.strides = strides;
    this.listener = listener;
    if (texts.isEmpty()) {
      throw new IllegalArgumentException("no text to evaluate");
    }
  }

  /// How well a model predicts the texts.
  ///
  /// @throws dev.upcycle.model.NonFiniteException when a prediction is NaN or infinite
  public Evaluation evaluate(DecoderModel model) throws InterruptedException {
    ModelReading reading = new ModelReading(model);
    walk((text, window) -> {
      Tensor predictors = reading.predictors(text, window);
      for (Part part : Part.of(window, PredictionTally.ROWS)) {
        try (TensorScope _ = TensorScope.open()) {
          reading.losses(predictors, text, part);
        }
      }
    });
    return reading.evaluation(tokens(), scored());
  }

  /// How the predictions of two models with one vocabulary differ.
  public Comparison<Evaluation> compare(DecoderModel first, DecoderModel second)
      throws InterruptedException {
    ModelReading ours = new ModelReading(first);
    ModelReading theirs = new ModelReading(second);
    PairedTally pairs = new PairedTally();
    walk((text, window) -> {
      Tensor ourPredictors = ours.predictors(text, window);
      Tensor theirPredictors = theirs.predictors(text, window);
      for (Part part : Part.of(window, PredictionTally.ROWS)) {
        try (TensorScope _ = TensorScope.open()) {
          pairs.add(
              ours.losses(ourPredictors, text, part), theirs.losses(theirPredictors, text, part));
        }
      }
    });
    return pairs.comparison(
        ours.evaluation(tokens(), scored()), theirs.evaluation(tokens(), scored()));
  }

  @FunctionalInterface
  private interface Step {
    void take(EvaluatedText text, Window window);
  }

  private void walk(Step step) throws InterruptedException {
    long total = texts.stream().mapToLong(text -> text.windows(strides).size()).sum();
    long done = 0;
    try (Gradients.Pause _ = Gradients.pause()) {
      for (EvaluatedText text : texts) {
        for (Window window : text.windows(strides)) {
          if (Thread.interrupted()) {
            throw new InterruptedException();
          }
          try (TensorScope _ = TensorScope.open()) {
            step.take(text, window);
          }
          listener.advanced(++done, total);
        }
      }
    }
  }

  private long tokens() {
    return texts.stream().mapToLong(EvaluatedText::tokens).sum();
  }

  private long scored() {
    return texts.stream()
        .flatMap(text -> text.windows(strides).stream())
        .mapToLong(Window::scored)
        .sum();
  }
}
