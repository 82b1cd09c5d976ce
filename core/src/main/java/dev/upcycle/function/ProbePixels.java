package dev.upcycle.function;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.function.FunctionReport.Inputs;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.Tensors;
import dev.upcycle.model.PixelShape;
import dev.upcycle.text.PixelReader;
import java.nio.file.Path;
import java.util.List;

/// The images that both models see: files, or where there are none noise that a fixed seed draws.
///
/// @param files may be empty
record ProbePixels(List<Path> files) {
  private static final int NOISE = 2;
  private static final long SEED = 20260101;
  private static final String PREPROCESSING = "preprocessor_config.json";

  /// Takes a copy.
  ProbePixels {
    files = List.copyOf(files);
  }

  /// `[images, channels, side, side]`; noise is normal, as pixels are after normalisation.
  ///
  /// @param dense whose preprocessing files get
  Tensor read(Checkpoint dense, PixelShape shape) {
    return files.isEmpty()
        ? Tensors.normal(SEED, NOISE, shape.channels(), shape.side(), shape.side())
        : PixelReader.of(directory(dense), dense.config(), shape).read(files);
  }

  /// Where the preprocessing is said: a model in parts has several directories.
  private static Path directory(Checkpoint dense) {
    return dense.companions().stream()
        .filter(file -> file.endsWith(PREPROCESSING))
        .map(file -> file.resolveSibling(""))
        .findFirst()
        .orElse(dense.directory());
  }

  /// How many there are.
  int count() {
    return files.isEmpty() ? NOISE : files.size();
  }

  Inputs.Origin origin() {
    return files.isEmpty() ? Inputs.Origin.NOISE : Inputs.Origin.FILES;
  }
}
