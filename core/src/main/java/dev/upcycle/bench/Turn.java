package dev.upcycle.bench;

import dev.upcycle.kernels.bench.Median;
import java.util.List;
import java.util.function.ToDoubleFunction;

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

  /// The median of a figure.
  static double median(List<Turn> turns, ToDoubleFunction<Turn> figure) {
    return Median.of(turns.stream().mapToDouble(figure));
  }
}
