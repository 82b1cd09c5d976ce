package dev.upcycle.model;

import dev.upcycle.kernels.tensor.LibTorch;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// What would compute a model on this machine.
public sealed interface Backend {
  /// LibTorch loads.
  ///
  /// @param version of the library
  record Ready(String version, Processor processor, Gpus gpus) implements Backend {}

  /// LibTorch does not load.
  ///
  /// @param reason what is missing, in one line
  record Missing(String reason) implements Backend {}

  /// How LibTorch uses the processor.
  ///
  /// @param threads of one operation unless told otherwise
  /// @param capability the instructions that it uses, such as `AVX2`
  record Processor(int threads, String capability) {}

  /// The graphics processors.
  ///
  /// @param usable how many LibTorch can use
  /// @param fault why one that is there cannot be used
  record Gpus(int usable, @Nullable String fault) {
    /// Why a GPU that is there cannot be used; empty when there is none or it can.
    public Optional<String> findFault() {
      return Optional.ofNullable(fault);
    }
  }

  /// Tries to load LibTorch; never throws.
  static Backend probe() {
    LibTorch.Probe probe = LibTorch.probe();
    if (!probe.loadable()) {
      return new Missing(probe.loadProblem().orElse("unknown reason"));
    }
    return new Ready(
        probe.version(),
        new Processor(LibTorch.threads(), LibTorch.cpuCapability()),
        new Gpus(probe.cudaDevices(), probe.cudaProblem().orElse(null)));
  }
}
