package dev.upcycle.bench;

import dev.upcycle.bench.DecoderShape.ExpertShape;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.fixtures.ResidentBytes;
import dev.upcycle.kernels.moe.NoiseCounter;
import dev.upcycle.kernels.moe.RoutingPass;
import dev.upcycle.kernels.tensor.LibTorch;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.kernels.tensor.Tensors;
import dev.upcycle.model.DecoderModel;
import dev.upcycle.model.ForwardPass;
import dev.upcycle.model.ModelOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.stream.LongStream;

/// A program that trains a tiny Mixtral and tells by how many bytes its resident memory grew.
///
/// A process of its own, since memory that earlier tests freed would hide a leak.
final class StepMemoryProbe {

  private static final int STEPS = 300;
  private static final int WARM_UP = 100;
  private static final int BATCH = 2;
  private static final int SEQ = 32;
  private static final int VOCAB = 256;
  private static final DecoderShape TINY =
      new DecoderShape(new ExpertShape(64, 96, 4, 2), 2, 4, 2, VOCAB);

  /// What a step leaves behind.
  enum Keeping {
    NOTHING,
    /// One hidden state and the graph that made it.
    A_HIDDEN_STATE
  }

  private StepMemoryProbe() {}

  public static void main(String[] arguments) throws IOException {
    Path folder = Path.of(arguments[0]);
    Keeping keeping = Keeping.valueOf(arguments[2]);
    LibTorch.useThreads(1);
    TINY.sparse().write(folder);
    try (TensorScope _ = TensorScope.open();
        DecoderModel model =
            DecoderModel.open(Checkpoint.open(folder), ModelOptions.of("cpu", arguments[1]));
        DecoderWork step =
            new DecoderWork.Step(
                model, Tensors.of(tokens()).view(BATCH, SEQ), Tensors.of(tokens()));
        TensorScope kept = TensorScope.detached()) {
      System.out.println(
          growth(() -> {
            step.once();
            switch (keeping) {
              case NOTHING -> {}
              case A_HIDDEN_STATE -> keep(model, kept);
            }
          }));
    }
  }

  private static void keep(DecoderModel model, TensorScope kept) {
    try (TensorScope _ = TensorScope.open()) {
      ForwardPass pass =
          ForwardPass.training(new RoutingPass.Train(new NoiseCounter(0, 0, 0, 0, 0), null));
      Tensor ids = Tensors.of(tokens()).view(BATCH, SEQ);
      kept.hold(model.hidden(model.embed(ids), pass).hidden());
    }
  }

  private static long[] tokens() {
    return LongStream.range(0, BATCH * SEQ).map(place -> place * 7 % VOCAB).toArray();
  }

  /// After a warm-up, with garbage of the Java heap out of the way.
  private static long growth(Runnable step) throws IOException {
    long start = 0;
    for (int i = 0; i < STEPS; i++) {
      if (i == WARM_UP) {
        System.gc();
        start = ResidentBytes.now();
      }
      step.run();
    }
    System.gc();
    return ResidentBytes.now() - start;
  }
}
