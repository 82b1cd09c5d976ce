package dev.upcycle.recipe;

import java.util.List;

/// What happens before a stage's first step.
///
/// @param upcycle the parts whose dense networks become experts, as the recipe's section of that
///   part says
/// @param schedule what becomes of the learning rate
/// @param moments what becomes of the optimizer's moments
/// @param data where the data begins
public record Start(List<Part> upcycle, Schedule schedule, Moments moments, Data data) {
  /// Takes a copy.
  public Start {
    upcycle = List.copyOf(upcycle);
  }

  /// What becomes of the learning rate.
  public enum Schedule {
    /// The stage's own schedule from its beginning.
    RESET,
    /// The share of the rates at which the stage before ended, all the time.
    KEEP
  }

  /// What becomes of the optimizer's moments.
  public enum Moments {
    RESET,
    /// Those of the stage before; an expert takes those of the network that it is a copy of.
    COPY
  }

  /// Where the data begins.
  public enum Data {
    RESTART,
    /// Where the stage before stopped reading the same data.
    KEEP
  }
}
