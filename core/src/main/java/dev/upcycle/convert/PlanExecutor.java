package dev.upcycle.convert;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.write.CheckpointWriter;
import dev.upcycle.plan.UpcyclePlan;
import java.nio.file.Path;

/// Runs a plan onto disk, a slice of a tensor at a time.
public final class PlanExecutor {
  private PlanExecutor() {}

  /// How to run a plan.
  ///
  /// @param out the directory to make
  /// @param mode what to do with what is there
  /// @param threads worker threads; the bytes do not depend on it
  public record Options(Path out, CheckpointWriter.Mode mode, int threads) {}

  /// What a run did.
  ///
  /// @param out the finished directory
  /// @param files weights files
  /// @param bytes bytes of weights files written in this run
  /// @param keptFiles weights files kept from an interrupted run
  public record Result(Path out, int files, long bytes, int keptFiles) {}

  /// Runs the plan.
  ///
  /// An interrupt of the calling thread ends it between two slices with
  /// [java.util.concurrent.CancellationException]; what is sealed can be resumed.
  public static Result run(
      UpcyclePlan plan, Checkpoint source, Options options, Progress progress) {
    throw new UnsupportedOperationException();
  }
}
