package dev.upcycle.train;

import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.recipe.Stage;
import java.util.Map;

/// What a stage is about to do.
///
/// @param index of the stage, from 0
/// @param name of the stage
/// @param steps that it takes
/// @param taken of them before
/// @param tensors of the model
/// @param trained tensors that train
/// @param trainedParameters numbers in them
public record StageSummary(
    int index,
    String name,
    long steps,
    long taken,
    int tensors,
    int trained,
    long trainedParameters) {
  /// What a stage does from its beginning.
  static StageSummary of(int index, Stage stage, StageModel model, long steps) {
    long trained = elements(model.optimizer().parameters());
    return new StageSummary(
        index,
        stage.name(),
        steps,
        0,
        model.parameters().size(),
        model.optimizer().parameters().size(),
        trained);
  }

  private static long elements(Map<String, Tensor> tensors) {
    return tensors.values().stream().mapToLong(Tensor::elements).sum();
  }

  /// The same stage when some of its steps were taken.
  StageSummary after(long steps) {
    return new StageSummary(index, name, this.steps, steps, tensors, trained, trainedParameters);
  }
}
