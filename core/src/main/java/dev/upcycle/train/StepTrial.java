package dev.upcycle.train;

import dev.upcycle.kernels.bench.Median;
import dev.upcycle.kernels.moe.NoiseCounter;
import dev.upcycle.recipe.Stage;
import java.util.ArrayList;
import java.util.List;

/// A few micro-batches and steps of a stage that nothing comes of, to know how long a step takes.
final class StepTrial {
  private static final int MOST_TURNS = 5;
  private static final double LONG_ENOUGH_SECONDS = 2;

  private StepTrial() {}

  /// Seconds of one step, the medians of a few turns after one that warms up.
  ///
  /// The model is left as it was but for its moments: close it.
  static double seconds(Stage stage, StageModel model, StageRows rows) throws InterruptedException {
    TokenBatch batch = rows.next().getFirst();
    List<Double> passes = new ArrayList<>();
    List<Double> updates = new ArrayList<>();
    double spent = 0;
    for (int turn = 0; turn <= MOST_TURNS && (turn < 2 || spent < LONG_ENOUGH_SECONDS); turn++) {
      long start = System.nanoTime();
      model.backward(List.of(batch), new NoiseCounter(0, 0, turn, 0, 0));
      long passed = System.nanoTime();
      model.optimizer().step(0);
      long end = System.nanoTime();
      if (turn > 0) {
        passes.add((passed - start) / 1e9);
        updates.add((end - passed) / 1e9);
        spent += (end - start) / 1e9;
      }
    }
    return stage.pace().microBatches() * median(passes) + median(updates);
  }

  private static double median(List<Double> seconds) {
    return Median.of(seconds.stream().mapToDouble(Double::doubleValue));
  }
}
