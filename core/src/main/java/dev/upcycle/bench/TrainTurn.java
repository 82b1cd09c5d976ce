package dev.upcycle.bench;

import dev.upcycle.kernels.bench.Timing;

/// So many steps of a run with a checkpoint in their middle, and as many of the bare step.
///
/// @param loop the run, its checkpoint included
/// @param bare the step and nothing else
/// @param stall what the step after the checkpoint took longer than the median of the others, in
///   units of that
public record TrainTurn(Side loop, Side bare, double stall) {
  /// One side of a turn.
  ///
  /// @param time that all of it took
  public record Side(long tokens, Timing time) {
    /// Tokens of a second.
    public double rate() {
      return tokens / time.wallSeconds();
    }

    private double cpuRate() {
      return tokens / time.cpuSeconds();
    }
  }

  /// The run's speed in units of the bare step's.
  public double ratio() {
    return loop.rate() / bare.rate();
  }

  /// The same by processor time, that of threads beside the step included.
  public double cpuRatio() {
    return loop.cpuRate() / bare.cpuRate();
  }
}
