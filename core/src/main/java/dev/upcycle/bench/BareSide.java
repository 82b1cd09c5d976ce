package dev.upcycle.bench;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.data.Batch;
import dev.upcycle.data.BatchSource;
import dev.upcycle.data.ModelInput;
import dev.upcycle.data.SampleSet;
import dev.upcycle.data.SkipLimit;
import dev.upcycle.data.SkippedRows;
import dev.upcycle.data.StageData;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.kernels.tensor.Tensors;
import dev.upcycle.model.DecoderModel;
import dev.upcycle.model.ModelOptions;
import dev.upcycle.recipe.Recipe;
import dev.upcycle.recipe.Stage;
import java.util.ArrayList;
import java.util.List;

/// The bare step over the batches that a run's stage reads, in their order; owns its own copy of
/// the model. All batches lie in memory, so that nothing is prepared while it steps.
final class BareSide implements AutoCloseable {
  private final ModelOptions options;
  private final List<Batch> batches;
  private final DecoderModel model;
  private final BareStep step;

  private BareSide(ModelOptions options, List<Batch> batches, DecoderModel model) {
    this.options = options;
    this.batches = List.copyOf(batches);
    this.model = model;
    this.step = new BareStep(model);
  }

  /// Opens the model and reads the batches of a stage of one micro-batch a step.
  static BareSide open(Checkpoint source, Recipe recipe, ComputeSettings settings)
      throws InterruptedException {
    Stage stage = recipe.training().orElseThrow().stages().getFirst();
    List<Batch> batches = batches(source, stage, recipe.seed());
    return new BareSide(settings.options(), batches, DecoderModel.open(source, settings.options()));
  }

  private static List<Batch> batches(Checkpoint source, Stage stage, long seed)
      throws InterruptedException {
    try (ModelInput input = ModelInput.of(source)) {
      StageData data = new StageData(stage.data(), input);
      try (SampleSet samples = data.open(1, SkipLimit.NONE);
          BatchSource rows =
              new BatchSource(
                  samples,
                  data.order(samples, stage.pace().batch(), seed),
                  new BatchSource.Settings(
                      stage.pace().microBatch(),
                      data.collation(),
                      new SkippedRows(SkipLimit.NONE),
                      new BatchSource.Work(1, 1),
                      BatchSource.Passes.ENDLESS))) {
        List<Batch> batches = new ArrayList<>();
        for (int i = 0; i < stage.pace().steps().orElseThrow(); i++) {
          batches.add(rows.next().orElseThrow());
        }
        return batches;
      }
    }
  }

  /// Takes steps until the thread is interrupted, and gives the tokens that they saw.
  ///
  /// @param from the first step, from 0
  /// @param to the step after the last
  long step(int from, int to) {
    long tokens = 0;
    for (int i = from; i < to && !Thread.currentThread().isInterrupted(); i++) {
      tokens += step(batches.get(i));
    }
    return tokens;
  }

  private long step(Batch batch) {
    try (TensorScope _ = TensorScope.open()) {
      Tensor ids = Tensors.of(batch.ids()).view(batch.size(), batch.seq());
      step.over(ids, Tensors.of(batch.next()).to(options.device()));
      return batch.ids().length;
    }
  }

  @Override
  public void close() {
    step.close();
    model.close();
  }
}
