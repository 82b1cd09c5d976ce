package dev.upcycle.kernels.tensor;

import java.util.Optional;
import java.util.function.Supplier;
import org.bytedeco.openblas.global.openblas_nolapack;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/// The library itself: whether it is there, its threads, its devices.
public final class LibTorch {
  private LibTorch() {}

  /// What was found on this machine.
  ///
  /// @param version of the library; `unknown` when it does not load
  /// @param loadable whether the natives are present and load
  /// @param problem why they do not
  /// @param cudaDevices how many GPUs can be used
  /// @param cudaFault why a GPU that is there cannot be used
  public record Probe(
      String version,
      boolean loadable,
      @Nullable String problem,
      int cudaDevices,
      @Nullable String cudaFault) {
    /// Why the library does not load; empty when it does.
    public Optional<String> loadProblem() {
      return Optional.ofNullable(problem);
    }

    /// Why a GPU that is there cannot be used; empty when there is none or it can.
    public Optional<String> cudaProblem() {
      return Optional.ofNullable(cudaFault);
    }
  }

  /// Tries to load the library; never throws.
  public static Probe probe() {
    try {
      int devices = cudaDevices();
      return new Probe(
          version(),
          true,
          null,
          devices,
          devices > 0 ? null : CudaDiagnosis.here().find().orElse(null));
    } catch (LinkageError | RuntimeException e) {
      return new Probe("unknown", false, reason(e), 0, null);
    }
  }

  /// How many GPUs can be used; 0 with natives for the CPU only.
  public static int cudaDevices() {
    return torch.cuda_is_available() ? torch.cuda_device_count() : 0;
  }

  /// Lets the library use this many threads for one operation, OpenBLAS's products included.
  public static void useThreads(int threads) {
    useThreads(threads, DType.F32);
  }

  /// The same for a program that computes in one type.
  ///
  /// OpenBLAS multiplies float32 only. In other types it serves nothing but attention, which
  /// OpenMP's threads share already, and a second pool below them makes a step 1.7 times as long.
  ///
  /// @param compute the type of weights and activations
  public static void useThreads(int threads, DType compute) {
    if (threads < 1) {
      throw new IllegalArgumentException("threads must be at least 1, not " + threads);
    }
    Native.call(
        "set_num_threads",
        () -> {
          torch.set_num_threads(threads);
          BlasThreads.install();
          openblas_nolapack.blas_set_num_threads(compute == DType.F32 ? threads : 1);
          return threads;
        });
  }

  /// Runs something whose threads each multiply on their own: OpenBLAS's pool stands by.
  static <T> T withoutBlasThreads(Supplier<T> body) {
    int before = openblas_nolapack.blas_get_num_threads();
    openblas_nolapack.blas_set_num_threads(1);
    try {
      return body.get();
    } finally {
      openblas_nolapack.blas_set_num_threads(before);
    }
  }

  /// How many threads one operation may use.
  public static int threads() {
    return torch.get_num_threads();
  }

  private static String version() {
    Package library = torch.class.getPackage();
    String version = library == null ? null : library.getImplementationVersion();
    return version == null ? "unknown" : version;
  }

  private static String reason(Throwable fault) {
    Throwable cause = fault.getCause();
    Throwable told = cause == null ? fault : cause;
    String reason = told.getClass().getSimpleName() + ": " + told.getMessage();
    return CudaDiagnosis.here()
        .findMissing()
        .map(missing -> reason + ". The natives for CUDA do not load without CUDA: " + missing)
        .orElse(reason);
  }
}
