package dev.upcycle.train;

import dev.upcycle.checkpoint.Checkpoint;
import java.util.Optional;

/// What a stage begins with.
///
/// @param lineage of a model with experts
record StageBase(Checkpoint model, Optional<Lineage> lineage) {
  /// A model, and what lies beside it.
  static StageBase of(Checkpoint model) {
    return new StageBase(model, Lineage.beside(model));
  }
}
