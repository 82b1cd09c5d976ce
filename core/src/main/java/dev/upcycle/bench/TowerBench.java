package dev.upcycle.bench;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.write.ResourceException;
import dev.upcycle.kernels.bench.Turns;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.kernels.tensor.Tensors;
import dev.upcycle.model.ForwardPass;
import dev.upcycle.model.VisionTower;
import dev.upcycle.sample.Directories;
import dev.upcycle.sample.SyntheticModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.IntConsumer;

/// The forward pass of a CLIP image tower with experts against the dense tower that multiplies as
/// much per place, in turns in one run.
public final class TowerBench {
  private static final long CHANNELS = 3;
  private static final long PIXEL_SEED = 1;

  private TowerBench() {}

  /// What to measure.
  ///
  /// @param batch images at once
  public record Setting(TowerShape shape, int batch) {
    /// Refuses an empty batch.
    public Setting {
      if (batch < 1) {
        throw new IllegalArgumentException("a batch below 1");
      }
    }
  }

  /// Measures, after two turns that warm up, and removes what it wrote. Places count as tokens.
  ///
  /// @param turned hears of every turn that is done, warm-up included
  /// @throws ResourceException when the temporary models cannot be written
  public static Turns run(Setting setting, ComputeSettings settings, IntConsumer turned) {
    settings.useThreads();
    TowerShape shape = setting.shape();
    try {
      Path work = Files.createTempDirectory("upcycle-bench-");
      try (TensorScope _ = TensorScope.open();
          VisionTower dense = tower(shape.dense(), work.resolve("dense"), settings);
          VisionTower sparse = tower(shape.sparse(), work.resolve("sparse"), settings)) {
        Tensor pixels =
            Tensors.normal(PIXEL_SEED, setting.batch(), CHANNELS, shape.image(), shape.image())
                .to(settings.options().compute())
                .to(settings.options().device());
        return Turns.alternate(
            new Turns.Sides(
                setting.batch() * shape.places(),
                () -> look(dense, pixels),
                () -> look(sparse, pixels)),
            settings.turns(),
            turned);
      } finally {
        Directories.delete(work);
      }
    } catch (IOException e) {
      throw new ResourceException("the towers to measure cannot be written: " + e.getMessage(), e);
    }
  }

  private static VisionTower tower(
      SyntheticModel synthetic, Path folder, ComputeSettings settings) {
    synthetic.write(folder);
    return VisionTower.open(Checkpoint.open(folder), settings.options());
  }

  private static void look(VisionTower tower, Tensor pixels) {
    try (TensorScope _ = TensorScope.open();
        Gradients.Pause _ = Gradients.pause()) {
      // Reading a number waits for a device that computes on its own.
      tower.forward(pixels, ForwardPass.plain()).hidden().max().item();
    }
  }
}
