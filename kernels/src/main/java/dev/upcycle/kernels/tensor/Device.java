package dev.upcycle.kernels.tensor;

import dev.upcycle.kernels.KernelException;
import java.util.Optional;

/// Where a tensor lives.
///
/// @param kind processor family
/// @param index which one of that family; 0 for the CPU
public record Device(Kind kind, int index) {
  /// The processor's own memory.
  public static final Device CPU = new Device(Kind.CPU, 0);

  /// A processor family.
  public enum Kind {
    CPU,
    CUDA
  }

  /// Refuses a negative index and a second CPU.
  public Device {
    if (index < 0 || (kind == Kind.CPU && index != 0)) {
      throw new IllegalArgumentException("no device " + kind + " " + index);
    }
  }

  /// A GPU by number.
  public static Device cuda(int index) {
    return new Device(Kind.CUDA, index);
  }

  /// Reads `auto`, `cpu`, `cuda` or `cuda:<index>` and checks that the device is there.
  ///
  /// `auto` is the first GPU that LibTorch can use, else the CPU; [#findFallback] says why.
  ///
  /// @throws KernelException when the text is none of these, or the GPU cannot be used
  public static Device choose(String text) {
    return text.equals("cpu") ? CPU : choose(text, LibTorch.probe());
  }

  static Device choose(String text, LibTorch.Probe probe) {
    if (text.equals("auto")) {
      return probe.cudaDevices() > 0 ? cuda(0) : CPU;
    }
    int index = cudaIndex(text);
    if (index >= probe.cudaDevices()) {
      throw new KernelException(
          "device '%s': LibTorch sees %d CUDA device(s). %s"
              .formatted(
                  text, probe.cudaDevices(), probe.cudaProblem().orElse("Use cpu or auto.")));
    }
    return cuda(index);
  }

  /// Why `auto` is the CPU on a machine that has a GPU; empty where it is a GPU, where there is
  /// none, and for every other text.
  public static Optional<String> findFallback(String text) {
    return text.equals("auto") ? findFallback(LibTorch.probe()) : Optional.empty();
  }

  static Optional<String> findFallback(LibTorch.Probe probe) {
    return probe.cudaDevices() > 0 ? Optional.empty() : probe.cudaProblem();
  }

  /// What a user should know who let `auto` choose this device; empty for a device that was named,
  /// and for the CPU.
  ///
  /// @param text what was asked for
  public Optional<String> findCaution(String text) {
    return text.equals("auto") && kind == Kind.CUDA
        ? Optional.of(
            "auto chose %s, and this project has never run on a GPU: check results against"
                    .formatted(this)
                + " --device cpu (docs/cuda.md says what was tested)")
        : Optional.empty();
  }

  private static int cudaIndex(String text) {
    if (text.equals("cuda")) {
      return 0;
    }
    if (text.matches("cuda:[0-9]{1,3}")) {
      return Integer.parseInt(text.substring("cuda:".length()));
    }
    throw new KernelException(
        "device '%s': expected auto, cpu, cuda or cuda:<index>".formatted(text));
  }

  boolean isCpu() {
    return kind == Kind.CPU;
  }

  /// As users write it: `cpu`, `cuda:1`.
  @Override
  public String toString() {
    return kind == Kind.CPU ? "cpu" : "cuda:" + index;
  }
}
