package dev.upcycle.evaluate;

import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.model.LlavaModel;

/// Lets a LLaVA predict the answers of conversations, one after the other; one thread.
public final class SampleEvaluator {
  private final SampleReading reading;

  /// @param context most tokens of a sample that the decoder sees, images included; what comes
  ///   after them is cut off
  public SampleEvaluator(LlavaModel model, int context) {
    this.reading = new SampleReading(model, context);
  }

  /// Reads one conversation.
  ///
  /// @throws dev.upcycle.model.NonFiniteException when a prediction is NaN or infinite
  public void add(LabelledSample sample) {
    try (Gradients.Pause _ = Gradients.pause();
        TensorScope _ = TensorScope.open()) {
      SampleReading.Passage passage = reading.read(sample);
      long likeliest = 0;
      for (int part = 0; part < passage.parts(); part++) {
        try (TensorScope _ = TensorScope.open()) {
          likeliest += reading.score(passage, part).likeliest();
        }
      }
      reading.count(passage, likeliest);
    }
  }

  /// What came of all conversations so far.
  public SampleEvaluation evaluation() {
    return reading.evaluation();
  }
}
