package dev.upcycle.bench;

import dev.upcycle.model.ModelOptions;

/// How a measurement of computing runs.
///
/// @param options device and element type
/// @param threads of one operation on the CPU
/// @param turns how many times each side runs and counts
public record ComputeSettings(ModelOptions options, int threads, int turns) {
  /// Refuses counts below one.
  public ComputeSettings {
    if (threads < 1 || turns < 1) {
      throw new IllegalArgumentException("a count of threads or turns below 1");
    }
  }

  void useThreads() {
    options.useThreads(threads);
  }

  /// The device as users write it.
  public String device() {
    return options.device().toString();
  }
}
