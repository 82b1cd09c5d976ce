package dev.upcycle.function;

import dev.upcycle.bench.ResidentMemory;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.function.FunctionVerifier.Expectation;
import dev.upcycle.function.FunctionVerifier.Question;
import dev.upcycle.kernels.tensor.LibTorch;
import dev.upcycle.model.DecoderModel;
import dev.upcycle.model.ModelOptions;
import java.nio.file.Path;
import java.util.List;

/// A program that reads a dense model and a target and tells the most memory that it had resident,
/// in bytes.
final class FunctionMemoryProbe {
  /// What it does with them.
  enum Reading {
    /// Compares them as `verify --function` does.
    SIDE_BY_SIDE,
    /// Has all of the target in memory.
    WHOLE
  }

  private FunctionMemoryProbe() {}

  public static void main(String[] arguments) throws InterruptedException {
    LibTorch.useThreads(1);
    Checkpoint dense = Checkpoint.open(Path.of(arguments[1]));
    Checkpoint target = Checkpoint.open(Path.of(arguments[2]));
    switch (Reading.valueOf(arguments[0])) {
      case SIDE_BY_SIDE -> compare(dense, target);
      case WHOLE -> DecoderModel.open(target, ModelOptions.cpu()).close();
    }
    System.out.println(ResidentMemory.peakBytes().orElseThrow());
  }

  private static void compare(Checkpoint dense, Checkpoint target) throws InterruptedException {
    Question question = new Question(Expectation.CONVERTED, List.of());
    FunctionReport report = FunctionVerifier.verify(dense, target, question, (_, _) -> {});
    if (!report.passed()) {
      throw new IllegalStateException(report.failures().toString());
    }
  }
}
