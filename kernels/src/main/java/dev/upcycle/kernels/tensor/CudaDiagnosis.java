package dev.upcycle.kernels.tensor;

import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Stream;

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
          "libcupti.so.13",
          "libcublasLt.so.13",
          "libcublas.so.13",
          "libcudnn.so.9",
          "libcufft.so.12",
          "libcurand.so.10",
          "libcusparse.so.12",
          "libcufile.so.0",
          "libnccl.so.2");

  /// Where the natives look beside the loader's path.
  private static final List<Path> FOLDERS =
      List.of(
          Path.of("/usr/local/cuda-13.1/lib64"),
          Path.of("/usr/local/cuda-13.1/extras/CUPTI/lib64"),
          Path.of("/usr/local/cuda/lib64"),
          Path.of("/usr/local/cuda/extras/CUPTI/lib64"),
          Path.of("/usr/lib64"));

  private static final String NATIVES = "/org/bytedeco/pytorch/linux-x86_64-gpu/libtorch_cuda.so";

  /// Of the machine at hand.
  static CudaDiagnosis here() {
    return new CudaDiagnosis(
        Path.of("/proc/driver/nvidia/version"),
        CudaDiagnosis.class.getResource(NATIVES) != null,
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
    return findMissing()
        .map(missing -> "A GPU is there, but " + missing)
        .or(() ->
            Optional.of(
                "A GPU is there and its libraries load, but CUDA does not come up: check the"
                    + " driver."));
  }

  /// Which libraries the natives for CUDA lack; empty when none, or with natives for the CPU only.
  Optional<String> findMissing() {
    List<String> missing =
        carriesNatives ? LIBRARIES.stream().filter(loads.negate()).toList() : List.of();
    return missing.isEmpty()
        ? Optional.empty()
        : Optional.of(
            "these libraries are not on the loader's path: "
                + String.join(", ", missing)
                + ". Install CUDA 13, cuDNN 9 and NCCL, or extend LD_LIBRARY_PATH.");
  }

  private static boolean isLoadable(String library) {
    return Stream.concat(
            Stream.of(library), FOLDERS.stream().map(folder -> folder.resolve(library).toString()))
        .anyMatch(CudaDiagnosis::opens);
  }

  @SuppressWarnings("restricted")
  private static boolean opens(String nameOrPath) {
    try (Arena arena = Arena.ofConfined()) {
      SymbolLookup.libraryLookup(nameOrPath, arena);
      return true;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }
}
