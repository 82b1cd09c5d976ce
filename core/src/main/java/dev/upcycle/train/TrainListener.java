package dev.upcycle.train;

import dev.upcycle.data.DataException;
import java.nio.file.Path;
import java.util.OptionalDouble;

/// Hears how a run goes on; called between steps, must return fast.
public interface TrainListener {
  /// Hears nothing.
  TrainListener SILENT = new TrainListener() {};

  /// A stage begins, or goes on.
  default void began(StageSummary stage) {}

  /// A step was taken.
  default void stepped(StepReport step) {}

  /// A bad row was passed over.
  default void passedOver(DataException fault) {}

  /// Something about the training that its user should know.
  ///
  /// @param step of the run
  default void warned(long step, String what) {}

  /// A checkpoint is not whole and was passed over.
  default void tornCheckpoint(Path checkpoint) {}

  /// The stage was measured.
  ///
  /// @param step of the run
  default void validated(long step, ValidationLoss loss) {}

  /// The run was saved.
  default void saved(Path checkpoint) {}

  /// A stage ended.
  ///
  /// @param validation the last measurement, where there is one
  default void ended(StageSummary stage, OptionalDouble validation) {}
}
