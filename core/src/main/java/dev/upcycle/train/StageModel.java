package dev.upcycle.train;

import dev.upcycle.arch.Composition;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.kernels.moe.NoiseCounter;
import dev.upcycle.kernels.optim.AdamW;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.model.ModelOptions;
import dev.upcycle.recipe.Output;
import dev.upcycle.recipe.Stage;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/// A stage's model and its optimizer; owns both until it is closed.
final class StageModel implements AutoCloseable {
  private final StageBase base;
  private final TrainedModel model;
  private final StageOptimizer optimizer;
  private final DecoderPass pass;
  private final ModelFiles files;

  private StageModel(StageBase base, TrainedModel model, StageOptimizer optimizer, Form form) {
    this.base = base;
    this.model = model;
    this.optimizer = optimizer;
    this.pass = form.pass();
    this.files = form.files();
  }

  private record Form(DecoderPass pass, ModelFiles files) {}

  /// Binds a checkpoint.
  ///
  /// @throws dev.upcycle.plan.PlanException when a rate fits no tensor, or nothing trains
  /// @throws dev.upcycle.checkpoint.CheckpointFormatException when it does not fit its config
  static StageModel open(StageBase base, Stage stage, ModelOptions options, Output output) {
    TrainedModel model = TrainedModel.open(base.model(), options);
    try {
      Composition names = names(base.model());
      StageOptimizer optimizer =
          new StageOptimizer(
              new ParameterChoice(names).groups(model.parameters(), stage.updates()),
              stage.updates());
      DecoderPass pass =
          new DecoderPass(model, new RouterLosses(stage.losses()), stage.compute().recomputation());
      ModelFiles files =
          ModelFiles.of(
              base,
              optimizer.parameters().keySet(),
              ModelFiles.type(stage.compute().precision()),
              output.maxShardBytes());
      return new StageModel(base, model, optimizer, new Form(pass, files));
    } catch (RuntimeException e) {
      model.close();
      throw e;
    }
  }

  private static Composition names(Checkpoint model) {
    return Composition.read(model.config(), model.tensors().keySet());
  }

  /// What it was read from.
  Checkpoint base() {
    return base.model();
  }

  SequencedMap<String, Tensor> parameters() {
    return model.parameters();
  }

  /// The routers that train, by name.
  SequencedMap<String, Tensor> routers() {
    ParameterChoice choice = new ParameterChoice(names(base.model()));
    SequencedMap<String, Tensor> routers = new LinkedHashMap<>(optimizer.parameters());
    routers.keySet().removeIf(name -> !choice.means("routers", name));
    return routers;
  }

  StageOptimizer optimizer() {
    return optimizer;
  }

  SequencedMap<String, AdamW.Moments> moments() {
    return optimizer.moments();
  }

  /// Adds the gradients of a step.
  StepLosses backward(List<TokenBatch> batches, NoiseCounter noise) {
    return pass.backward(batches, noise);
  }

  /// The cross-entropy's sum over the learned tokens of a batch.
  double sum(TokenBatch batch) {
    return pass.sum(batch);
  }

  /// How it is written.
  ModelFiles files() {
    return files;
  }

  @Override
  public void close() {
    optimizer.close();
    model.close();
  }
}
