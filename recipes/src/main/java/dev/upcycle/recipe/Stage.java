package dev.upcycle.recipe;

import java.util.List;
import java.util.Optional;

/// One stage of training: what trains at which rate, on which data, with which losses.
///
/// @param name unique in the recipe
/// @param start what happens before its first step
/// @param updates how parameters move
/// @param pace how many rows make a step, and how many steps there are
/// @param compute in which type, and what is computed twice to save memory
/// @param losses beside the cross-entropy
/// @param data what it learns from
/// @param validation what it is measured on; empty is nothing
/// @param checkpoints when the run is saved
public record Stage(
    String name,
    Start start,
    Updates updates,
    Pace pace,
    Computation compute,
    AuxiliaryLosses losses,
    DataSettings data,
    Optional<Validation> validation,
    Checkpoints checkpoints) {

  /// How many rows make a step, and how many steps there are.
  ///
  /// @param batch rows of an optimizer step
  /// @param microBatch rows computed at once; divides `batch`
  /// @param epochs how often the data is seen
  /// @param steps the most optimizer steps; empty is as many as the epochs take
  public record Pace(int batch, int microBatch, int epochs, Optional<Integer> steps) {
    /// Refuses a batch that does not consist of whole micro-batches.
    public Pace {
      if (microBatch < 1 || batch % microBatch != 0) {
        throw new IllegalArgumentException("batch %d of %d".formatted(batch, microBatch));
      }
    }

    /// Micro-batches of a step.
    public int microBatches() {
      return batch / microBatch;
    }
  }

  /// How a stage computes.
  public record Computation(Precision precision, Recomputation recomputation) {}

  /// The type of weights and activations.
  public enum Precision {
    F32,
    /// With float32 masters of the weights that train.
    BF16
  }

  /// What is computed a second time in the backward pass, to save memory.
  public enum Recomputation {
    NONE,
    /// Each layer's activations.
    LAYERS
  }

  /// What a stage is measured on.
  ///
  /// @param sources rows, read as the stage reads its own; files whose own names differ
  /// @param every steps between two measurements; empty measures at the end only
  /// @param rows the most that are read of each source; empty is all
  /// @param patience measurements without a better one after which the stage ends; empty never
  /// @param result which model the stage leaves
  public record Validation(
      List<DataSettings> sources,
      Optional<Integer> every,
      Optional<Integer> rows,
      Optional<Integer> patience,
      Result result) {
    /// Takes a copy.
    public Validation {
      sources = List.copyOf(sources);
    }
  }

  /// Which model a stage leaves, to the next one or as the end of the run.
  public enum Result {
    LAST,
    /// That of its best measurement.
    BEST
  }

  /// When a run is saved, beside the end of each stage.
  ///
  /// @param every steps between two checkpoints; empty is none between
  /// @param keepEvery a checkpoint of each multiple of so many steps is never removed
  public record Checkpoints(Optional<Integer> every, Optional<Integer> keepEvery) {}
}
