package dev.upcycle.convert;

/// Hears how far a long job is; called from worker threads, must return fast.
@FunctionalInterface
public interface Progress {
  /// Hears nothing.
  Progress SILENT = (done, total, what) -> {};

  /// So many of so many bytes are done; `what` names the tensor or file in work.
  void advanced(long done, long total, String what);
}
