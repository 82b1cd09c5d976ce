package dev.upcycle.kernels.vision;

import dev.upcycle.kernels.ffn.Linear;
import dev.upcycle.kernels.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/// Cuts images into squares and maps each to a vector: a convolution whose stride is its width,
/// computed as the one matrix product that it is.
///
/// @param kernel `[hidden, channels, patch, patch]`
/// @param bias `[hidden]`, or null for none
public record PatchEmbedding(Tensor kernel, @Nullable Tensor bias) {
  /// `[images, channels, height, width]` to `[images, patches, hidden]`; rows and columns that do
  /// not fill a patch are left out.
  public Tensor forward(Tensor pixels) {
    long patch = kernel.size(-1);
    long images = pixels.size(0);
    long channels = pixels.size(1);
    long rows = pixels.size(2) / patch;
    long columns = pixels.size(3) / patch;
    Tensor patches =
        pixels
            .narrow(2, 0, rows * patch)
            .narrow(3, 0, columns * patch)
            .reshape(images, channels, rows, patch, columns, patch)
            .permute(0, 2, 4, 1, 3, 5)
            .reshape(images, rows * columns, channels * patch * patch);
    return new Linear(kernel.view(kernel.size(0), -1), bias).forward(patches);
  }
}
