package dev.upcycle.train;

import dev.upcycle.fixtures.ResidentBytes;
import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.kernels.tensor.Tensors;
import java.nio.file.Path;

/// A process that trains and tells its resident memory after every step, in bytes.
final class SteadyMemoryProbe {

  /// Numbers that a step leaves behind where it does: 128 kB, half of what is to be noticed.
  private static final long LEFT_NUMBERS = 32_768;

  private SteadyMemoryProbe() {}

  /// What is left behind by each step.
  enum Keeping {
    NOTHING,
    A_TENSOR
  }

  /// Trains.
  ///
  /// @param arguments the folder, what is kept, the recipe
  public static void main(String[] arguments) {
    Path folder = Path.of(arguments[0]);
    Keeping keeping = Keeping.valueOf(arguments[1]);
    try (TensorScope kept = TensorScope.detached()) {
      TrainRun.run(
          new Runs(folder).request(arguments[2]),
          folder.resolve("run"),
          TrainRun.Mode.FRESH,
          new TrainListener() {
            @Override
            public void stepped(StepReport step) {
              switch (keeping) {
                case NOTHING -> {}
                case A_TENSOR -> leave(kept);
              }
              System.out.println(ResidentBytes.now());
            }
          });
    }
  }

  private static void leave(TensorScope kept) {
    try (TensorScope _ = TensorScope.open()) {
      kept.hold(Tensors.full(DType.F32, 1, LEFT_NUMBERS));
    }
  }
}
