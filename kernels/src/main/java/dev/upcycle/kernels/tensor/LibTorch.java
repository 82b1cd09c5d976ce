package dev.upcycle.kernels.tensor;

import java.util.Optional;
import java.util.function.IntSupplier;
import java.util.function.Supplier;
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
    return probe(LibTorch::cudaDevices, CudaDiagnosis.here());
  }

  /// @param devices counts the GPUs, and so asks for the library
  static Probe probe(IntSupplier devices, CudaDiagnosis diagnosis) {
    try {
      torch.get_num_threads();
    } catch (LinkageError | RuntimeException e) {
      return new Probe("unknown", false, loadFault(e, diagnosis), 0, null);
    }
    try {
      int count = devices.getAsInt();
      return new Probe(version(), true, null, count, count > 0 ? null : fault(diagnosis));
    } catch (LinkageError | RuntimeException e) {
      String told = "CUDA does not come up: " + reason(e);
      String why = fault(diagnosis);
      return new Probe(version(), true, null, 0, why == null ? told : told + ". " + why);
    }
  }

  private static @Nullable String fault(CudaDiagnosis diagnosis) {
    return diagnosis.find().orElse(null);
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
          int products = compute == DType.F32 ? threads : 1;
          BlasThreads.install(products);
          BlasPool.SHARED.use(products);
          return threads;
        });
  }

  /// Runs something whose threads each multiply on their own: OpenBLAS's pool stands by.
  static <T> T withoutBlasThreads(Supplier<T> body) {
    return BlasPool.SHARED.standingBy(body);
  }

  /// Waits until a tensor is computed, and with it all that was asked of its device before.
  ///
  /// The processor computes at once; a GPU only takes orders, so that a clock read without waiting
  /// charges its work to whoever waits next.
  public static void await(Tensor computed) {
    if (!computed.device().isCpu()) {
      Native.call("await", () -> computed.handle().reshape(-1).narrow(0, 0, 1).cpu());
    }
  }

  /// How many threads one operation may use.
  public static int threads() {
    return torch.get_num_threads();
  }

  /// The instructions that the library's CPU kernels use here, such as `AVX2` or `AVX512`.
  public static String cpuCapability() {
    return torch.get_cpu_capability().getString();
  }

  private static String version() {
    Package library = torch.class.getPackage();
    String version = library == null ? null : library.getImplementationVersion();
    return version == null ? "unknown" : version;
  }

  private static String loadFault(Throwable fault, CudaDiagnosis diagnosis) {
    String reason = reason(fault);
    return diagnosis
        .findMissing()
        .map(missing -> reason + ". The natives for CUDA do not load without CUDA: " + missing)
        .orElse(reason);
  }

  /// In one line, without LibTorch's backtrace.
  private static String reason(Throwable fault) {
    Throwable cause = fault.getCause();
    Throwable told = cause == null ? fault : cause;
    String message = String.valueOf(told.getMessage()).lines().findFirst().orElse("");
    return told.getClass().getSimpleName() + ": " + message;
  }
}
