package dev.upcycle.kernels.tensor;

import dev.upcycle.kernels.KernelException;

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
  /// `auto` is the first GPU that LibTorch can use, else the CPU.
  ///
  /// @throws KernelException when the text is none of these, or the GPU is missing
  public static Device choose(String text) {
    if (text.equals("cpu")) {
      return CPU;
    }
    int devices = LibTorch.cudaDevices();
    if (text.equals("auto")) {
      return devices > 0 ? cuda(0) : CPU;
    }
    int index = cudaIndex(text);
    if (index >= devices) {
      throw new KernelException(
          "device '%s': LibTorch sees %d CUDA device(s). %s"
              .formatted(text, devices, LibTorch.probe().cudaProblem().orElse("Use cpu or auto.")));
    }
    return cuda(index);
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
