package dev.upcycle.cli.terminal;

/// What becomes of the work in progress when the process is told to end.
public interface Signals {
  /// Lets it end by itself, however long that takes, unless a second signal comes.
  ///
  /// @param notice what the first signal says on stderr
  void finishFirst(String notice);

  /// Says that it keeps nothing, so that nothing is lost where it is stopped in the middle of what
  /// cannot be interrupted.
  default void stopSoon() {}
}
