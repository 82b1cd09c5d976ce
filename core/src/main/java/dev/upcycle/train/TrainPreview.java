package dev.upcycle.train;

import java.util.List;

/// What a run would do and need.
///
/// @param first what its first stage would do
/// @param stages the most memory that each stage would need
/// @param disk what the run's folder would hold
/// @param secondsPerStep of the first stage, as a few trial steps took
public record TrainPreview(
    StageSummary first, List<MemoryForecast> stages, DiskForecast disk, double secondsPerStep) {
  /// Takes a copy.
  public TrainPreview {
    stages = List.copyOf(stages);
  }
}
