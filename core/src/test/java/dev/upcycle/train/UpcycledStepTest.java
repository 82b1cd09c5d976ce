package dev.upcycle.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.write.CheckpointWriter;
import dev.upcycle.convert.PlanExecutor;
import dev.upcycle.convert.Progress;
import dev.upcycle.kernels.moe.NoiseCounter;
import dev.upcycle.kernels.tensor.Functions;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.model.DecoderModel;
import dev.upcycle.model.ModelOptions;
import dev.upcycle.plan.Planner;
import dev.upcycle.recipe.AuxiliaryLosses;
import dev.upcycle.recipe.Stage;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The first step after upcycling: experts are equal and their weights sum to one.
class UpcycledStepTest {
  @TempDir private static Path folder;
  private static Path upcycled;

  @BeforeAll
  static void upcycle() {
    TrainRun.Request request = new Runs(folder).request(Runs.TWO_STAGES);
    upcycled = folder.resolve("moe");
    PlanExecutor.run(
        Planner.plan(request.source(), request.recipe()),
        request.source(),
        new PlanExecutor.Options(upcycled, CheckpointWriter.Mode.FRESH, 1),
        Progress.SILENT);
  }

  /// Largest length of a router's gradient, in units of the largest of an expert's.
  private static double routerGradient(double weight) {
    AuxiliaryLosses losses = Runs.losses(AuxiliaryLosses.Balance.POOLED, weight, weight);
    try (DecoderModel model = DecoderModel.open(Checkpoint.open(upcycled), ModelOptions.cpu());
        TensorScope _ = TensorScope.open()) {
      model.parameters().values().forEach(Gradients::track);
      long[] ids = LongStream.range(0, 32).map(i -> 3 + i * 7 % 50).toArray();
      new DecoderPass(
              new TrainedModel.Reading(model), new RouterLosses(losses), Stage.Recomputation.NONE)
          .backward(List.of(TokenBatch.ofSequences(ids, 16)), new NoiseCounter(0, 0, 0, 0, 0));
      return largest(model.parameters(), ".gate.weight") / largest(model.parameters(), ".experts.");
    }
  }

  private static double largest(Map<String, Tensor> parameters, String part) {
    return parameters.entrySet().stream()
        .filter(entry -> entry.getKey().contains(part))
        .flatMap(entry -> Gradients.find(entry.getValue()).stream())
        .mapToDouble(gradient -> Functions.norm(gradient).item())
        .max()
        .orElseThrow();
  }

  @Test
  void routersHaveNoGradientWithoutALossOfTheirOwn() {
    assertThat(routerGradient(0)).isLessThan(1e-5);
  }

  @Test
  void routersMoveByTheirOwnLosses() {
    assertThat(routerGradient(0.01)).isGreaterThan(1e-4);
  }
}
