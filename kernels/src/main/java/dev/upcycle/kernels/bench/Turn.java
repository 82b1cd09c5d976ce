package dev.upcycle.kernels.bench;

/// The dense baseline and the model with experts, one right after the other.
///
/// @param dense the baseline
/// @param sparse the model with experts
public record Turn(Timing dense, Timing sparse) {
  /// Time with experts in units of the baseline's.
  public double ratio() {
    return sparse.wallSeconds() / dense.wallSeconds();
  }

  /// The same of processor time.
  public double cpuRatio() {
    return sparse.cpuSeconds() / dense.cpuSeconds();
  }
}
