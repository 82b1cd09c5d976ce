package dev.upcycle.model;

import dev.upcycle.kernels.tensor.DType;
import dev.upcycle.kernels.tensor.Device;
import dev.upcycle.kernels.tensor.LibTorch;
import java.util.Locale;
import java.util.Optional;

/// Where a model computes and in what type.
///
/// @param device where its weights go
/// @param compute type of weights and activations, float32 or bfloat16; routing, attention on the
///   CPU and the sums of norms are float32 in either
public record ModelOptions(Device device, DType compute) {
  /// Refuses other types.
  public ModelOptions {
    if (compute != DType.F32 && compute != DType.BF16) {
      throw new IllegalArgumentException("a model computes in F32 or BF16, not in " + compute);
    }
  }

  /// float32 on the CPU.
  public static ModelOptions cpu() {
    return new ModelOptions(Device.CPU, DType.F32);
  }

  /// From words of the command line.
  ///
  /// @param device `auto`, `cpu`, `cuda` or `cuda:<index>`
  /// @param compute `f32` or `bf16`
  /// @throws dev.upcycle.kernels.KernelException when the device is none of these or missing
  /// @throws IllegalArgumentException when the type is neither
  public static ModelOptions of(String device, String compute) {
    DType dtype =
        switch (compute.toLowerCase(Locale.ROOT)) {
          case "f32" -> DType.F32;
          case "bf16" -> DType.BF16;
          default ->
              throw new IllegalArgumentException(
                  "dtype '%s': expected f32 or bf16".formatted(compute));
        };
    return new ModelOptions(Device.choose(device), dtype);
  }

  /// Why `auto` is the CPU on a machine that has a GPU; empty where there is nothing to say.
  ///
  /// @param device as in [#of]
  public static Optional<String> findFallback(String device) {
    return Device.findFallback(device);
  }

  /// What a user should know of the device that was chosen; empty where there is nothing to say.
  ///
  /// @param asked as in [#of]
  public Optional<String> findCaution(String asked) {
    return device.findCaution(asked);
  }

  /// Lets LibTorch use this many threads for one operation of a model in this type.
  public void useThreads(int threads) {
    LibTorch.useThreads(threads, compute);
  }
}
