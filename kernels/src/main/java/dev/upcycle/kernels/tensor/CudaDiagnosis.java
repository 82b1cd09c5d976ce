package dev.upcycle.kernels.tensor;

import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import org.bytedeco.pytorch.global.torch;

/// Why a GPU that is there cannot be used; LibTorch itself only says that there is none.
///
/// @param driver a file that NVIDIA's driver shows while it is loaded
/// @param carriesNatives whether this build has natives for CUDA
/// @param loads whether the loader finds a library of this name
record CudaDiagnosis(Path driver, boolean carriesNatives, Predicate<String> loads) {
  /// What the natives load beside themselves, in the order in which they need it.
  private static final List<String> LIBRARIES =
      List.of(
          "libcuda.so.1",
          "libcudart.so.13",
          "libcublasLt.so.13",
          "libcublas.so.13",
          "libcudnn.so.9",
          "libcufft.so.12",
          "libcurand.so.10",
          "libcusparse.so.12",
          "libcufile.so.0",
          "libnccl.so.2");

  private static final String NATIVES = "/org/bytedeco/pytorch/linux-x86_64-gpu/libtorch_cuda.so";

  /// Of the machine at hand.
  static CudaDiagnosis here() {
    return new CudaDiagnosis(
        Path.of("/proc/driver/nvidia/version"),
        torch.class.getResource(NATIVES) != null,
        CudaDiagnosis::isLoadable);
  }

  /// The fault and its remedy; empty when there is no GPU.
  Optional<String> find() {
    if (!Files.exists(driver)) {
      return Optional.empty();
    }
    if (!carriesNatives) {
      return Optional.of(
          "A GPU is there, but this build carries natives for the CPU only: build with -Pgpu.");
    }
    List<String> missing = LIBRARIES.stream().filter(loads.negate()).toList();
    return Optional.of(
        missing.isEmpty()
            ? "A GPU is there and its libraries load, but CUDA does not come up: check the driver."
            : "A GPU is there, but these libraries are not on the loader's path: "
                + String.join(", ", missing)
                + ". Install CUDA 13, cuDNN 9 and NCCL, or extend LD_LIBRARY_PATH.");
  }

  @SuppressWarnings("restricted")
  private static boolean isLoadable(String library) {
    try (Arena arena = Arena.ofConfined()) {
      SymbolLookup.libraryLookup(library, arena);
      return true;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }
}
